"""Start-up checks, each message with an id."""
