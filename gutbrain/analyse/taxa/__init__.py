"""Taxa tested one by one, by several treatments of zeros and scale."""
