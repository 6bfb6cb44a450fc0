"""Makes and revokes keys to the API, finds them in requests, checks them and counts their use."""
