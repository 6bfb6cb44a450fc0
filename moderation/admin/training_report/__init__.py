"""The report of a training run: one page, in the admin and as a file of its own."""
