"""Through what an effect may run: mediation and how much confounding it would take."""
