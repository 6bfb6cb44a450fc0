"""Suggests the word that a misspelled one was meant to be, for the messages of the checks."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """Return ` Did you mean "likes"?`, or nothing where no known word is near."""
    names = [str(name) for name in known]
    close = get_close_matches(str(word), names, n=1, cutoff=0.6)
    lower = {name.lower(): name for name in names}
    match = close[0] if close else lower.get(str(word).lower(), "")
    return f' Did you mean "{match}"?' if match else ""
