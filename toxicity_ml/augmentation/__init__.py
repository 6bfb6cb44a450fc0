"""More training rows from the ones there are: each module makes changed copies of texts in one way."""
