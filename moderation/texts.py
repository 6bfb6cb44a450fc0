"""What any database can hold of a text, and the key that decides its side of the split; pure functions."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

KEYED_CHARACTERS = 5000
"""Only so much of a text enters its key: the receiver computes it while a visitor waits."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_REPEATED = re.compile(r"(.)\1+")
_IGNORED = re.compile(r"[\W_]+")
_CONTRACTIONS = {
    "won't": "will not",
    "can't": "can not",
    "cannot": "can not",
    "shan't": "shall not",
    "let's": "let us",
}
_CONTRACTION = re.compile(r"\b(?:won't|can't|cannot|shan't|let's)\b")
_ENDINGS = (
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"(?<=it|he)'s\b|(?<=that|what|here)'s\b|(?<=there|where)'s\b|(?<=she|who)'s\b"), " is"),
)
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc`", "'"))


def storable(text: str) -> str:
    """`text` as every database can hold it.

    PostgreSQL holds no NUL, and no database here a lone surrogate: they become the visible U+2400 and
    U+FFFD. Everything else stays as it is, so this is the identity for what a site's database accepted,
    but for NUL on SQLite.
    """
    if "\0" in text:
        text = text.replace("\0", "\u2400")
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", text)
    return text


def as_screened(live: object) -> str:
    """A live value as its screening would hold it; empty for None."""
    return "" if live is None else storable(str(live))


def without_form(text: str, *, has_parts: bool = False) -> str:
    """`text` without what a form changes when it is saved unread: line ends, and white space around it.

    Browsers send every line end as CR LF, and Django's fields and REST framework's strip the text. has_parts:
    True where several columns are joined, whose ends were stripped then: what is blank says which is empty.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if has_parts else text.strip()


def normalised(text: str) -> str:
    """`text` with case, white space, punctuation, repeated characters and contractions folded.

    Only the first `KEYED_CHARACTERS` are read.
    """
    text = unicodedata.normalize("NFKC", text[:KEYED_CHARACTERS])[:KEYED_CHARACTERS]
    text = text.casefold().translate(_APOSTROPHES)
    text = _CONTRACTION.sub(lambda match: _CONTRACTIONS[match[0]], text)
    for pattern, replacement in _ENDINGS:
        text = pattern.sub(replacement, text)
    text = _IGNORED.sub("", text) or "".join(text.split())
    return _REPEATED.sub(r"\1", text)


def text_key(text: str, secret: str) -> str:
    """The keyed hash (HMAC-SHA256, 64 hexadecimal digits) of the normalised text.

    Texts that differ only in what `normalised` folds always share a key, and so a side of the split.
    """
    folded = normalised(storable(text)).encode("utf-8")
    return hmac.new(secret.encode("utf-8"), folded, hashlib.sha256).hexdigest()


def exact_digest(text: str, secret: str, row: int) -> str:
    """The keyed hash (HMAC-SHA256, 64 hexadecimal digits) of the text to the letter, for one row alone.

    It tells whether a text at hand is the one that stood in that row. Equal texts of two rows have different
    digests, so that none can be looked up, or counted, by another's.
    """
    exact = f"exact:{row}:{text}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode("utf-8"), exact, hashlib.sha256).hexdigest()
