"""Tries a candidate beside the active version: it scores live comments, without effect on them."""
