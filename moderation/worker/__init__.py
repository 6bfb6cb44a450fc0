"""Runs a worker process: it drains what is pending, and sweeps."""
