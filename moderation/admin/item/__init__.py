"""What an item of the queue shows: the text, its place and author, scores, reports, the live state."""
