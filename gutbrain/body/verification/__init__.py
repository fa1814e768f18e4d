"""Published models kept as they were printed, to check the package against; no axis of `whole` holds one of them."""
