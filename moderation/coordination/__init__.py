"""How processes share work through the database: leases, heartbeats, and who is still alive."""
