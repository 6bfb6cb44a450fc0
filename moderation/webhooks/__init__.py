"""Tells addresses of the site's choice of verdicts and reviews: an outbox, signatures, back-off."""
