"""Models fitted to studies."""
