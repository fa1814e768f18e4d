"""The steps of an analysis plan: options, and what is run on them."""
