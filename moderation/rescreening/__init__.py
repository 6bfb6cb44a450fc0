"""Screening again with another version, and for the first time what was there before moderation."""
