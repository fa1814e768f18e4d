"""The body: one compartment a file, each runnable alone, each number with its source."""
