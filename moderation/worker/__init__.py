"""What a worker process does: it drains what is pending, and sweeps."""
