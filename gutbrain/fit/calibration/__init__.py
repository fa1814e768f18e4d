"""What nobody knows, fitted to the findings that are marked for it."""
