"""Model versions: registering, activating, fetching, verifying and pruning them."""
