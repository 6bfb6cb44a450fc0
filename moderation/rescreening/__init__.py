"""Long runs: scoring again with another version, and screening what was there before moderation."""
