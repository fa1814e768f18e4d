"""Linear, mixed and repeated-measures models, their contrasts and courses."""
