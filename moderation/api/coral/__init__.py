"""Answers Coral where it asks for a moderation phase outside of itself."""
