"""How the packaged model is made: rows, training, judging and publishing, one script for each step."""
