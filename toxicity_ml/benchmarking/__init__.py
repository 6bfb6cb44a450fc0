"""Latency and throughput of the ways of running the network."""
