"""The model held against published findings by virtual trials of the same design."""
