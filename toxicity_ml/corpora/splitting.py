"""Splits rows so that copies stay together: the side of a text follows from what it says, not from its row.

The key here folds less than that of a site's app, which also folds contractions and is secret."""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset

SOURCE_SEPARATOR = "|"
"""Between the keys in a ``source`` cell of a text that was made of several."""

_NOT_WORD = re.compile(r"[\W_]+")
_REPEATED = re.compile(r"(.)\1+")


def folded(text: str) -> str:
    """``text`` with case, white space, punctuation, styled letters and repeated characters folded away.

    A text of nothing but punctuation keeps it.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _REPEATED.sub(r"\1", _NOT_WORD.sub("", plain) or "".join(plain.split()))


def text_key(text: str) -> str:
    """16 hexadecimal digits, the same for texts that differ only in what :func:`folded` folds."""
    return hashlib.sha256(folded(text).encode("utf-8", "replace")).hexdigest()[:16]


def split(
    rows: "Dataset", share: float, seed: int, key: Callable[[str], str] = text_key
) -> tuple["Dataset", "Dataset"]:
    """Put about ``share`` of the rows aside, copies and augmented families each on one side whole.

    rows: column ``text`` and optionally ``source``: the key of the text that a row was made from, or several
    joined by ``|``. Rows with the same ``key(text)`` or a source in common, or linked by others in that way,
    are one family. The side of a family is a hash of the seed and its least key, so that it depends neither
    on the order of the rows nor on how many there are, unless a new row joins two families.

    Returns (the rest, what was put aside), both in the order of ``rows``; either may be empty.
    Raises ValueError unless 0 <= share <= 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be from 0 to 1, not {share}.")
    sources = rows["source"] if "source" in rows.column_names else [""] * len(rows)
    keys = [
        [key(text), *(name for name in (source or "").split(SOURCE_SEPARATOR) if name)]
        for text, source in zip(rows["text"], sources, strict=True)
    ]
    family = _families(keys)
    aside = [_draw(family(names[0]), seed) < share for names in keys]
    return (
        rows.select([index for index, chosen in enumerate(aside) if not chosen]),
        rows.select([index for index, chosen in enumerate(aside) if chosen]),
    )


def _families(keys: list[list[str]]) -> Callable[[str], str]:
    """The least key of the family of each key: connected by standing in one row (union-find)."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = name = parent[parent[name]]
        return name

    for first, *others in keys:
        for other in others:
            one, two = sorted((root(first), root(other)))
            parent[two] = one
    return root


def _draw(name: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}:{name}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
