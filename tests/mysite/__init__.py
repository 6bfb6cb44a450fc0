"""The demo site by itself."""
