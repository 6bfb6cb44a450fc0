"""Running the network on texts: loading, windows, threads, backends."""
