"""Stripping punctuation and case, as some published data sets and some writers do."""

import re


def strip_punctuation(text: str) -> str:
    """The text without punctuation: apostrophes vanish, other marks become one space."""
    return re.sub(r"[^\w\s]+", " ", re.sub(r"['\u2019]", "", text))


def strip_case(text: str) -> str:
    """The text in lower case."""
    return text.lower()
