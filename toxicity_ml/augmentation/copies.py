"""Copies of labelled rows, each with where it came from, so that no split ever puts a copy and its source on
different sides (``corpora.split``)."""

import hashlib
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from toxicity_ml import corpora
from toxicity_ml.augmentation.joining import join, joined_labels
from toxicity_ml.augmentation.near_copies import NearTexts
from toxicity_ml.augmentation.noise import add_noise
from toxicity_ml.augmentation.stripping import strip_case, strip_punctuation
from toxicity_ml.corpora.splitting import SOURCE_SEPARATOR
from toxicity_ml.errors import DataError

Rewrite = Callable[[Sequence[str], int], list[list[str]]]
"""Texts, and a number -> for each text, in order, at most that number of copies."""

CHUNK = 512
"""Texts that are rewritten in one call: enough to sort by length, few enough to show progress."""


@dataclass(frozen=True)
class Row:
    """A labelled text and where it stands."""

    text: str
    labels: tuple[float, ...]
    """NaN = masked."""
    file: str
    number: int
    """Of the row among the file's, from 1."""
    weight: float = 1.0
    sample: str = ""
    source: str = ""
    """Where this row is a copy itself: the keys of what it was made from."""

    @property
    def keys(self) -> list[str]:
        """The keys that tie its copies to it, and to what it was itself made from."""
        return [corpora.text_key(self.text), *(key for key in self.source.split(SOURCE_SEPARATOR) if key)]


@dataclass(frozen=True)
class Copy:
    """A text that was made of one row, or of two."""

    text: str
    labels: tuple[float, ...]
    parents: tuple[Row, ...]
    method: str

    @property
    def source(self) -> str:
        """The keys of all that it was made from, for the column ``source`` that ``corpora.split`` reads."""
        keys = (key for parent in self.parents for key in parent.keys)
        return SOURCE_SEPARATOR.join(dict.fromkeys(keys))


@dataclass
class HeldOut:
    """Texts of other sets, of which none may be a source or a copy."""

    texts: Sequence[str]
    _keys: frozenset[str] = field(init=False)
    _near: NearTexts = field(init=False)

    def __post_init__(self) -> None:
        self._keys = frozenset(corpora.text_key(text) for text in self.texts)
        self._near = NearTexts(self.texts)

    def holds(self, text: str) -> bool:
        """True where one of them is ``text`` but for case, punctuation and repeated letters, or is at
        a similarity of ``near_copies.NEAREST``."""
        return bool(text.strip()) and (corpora.text_key(text) in self._keys or bool(self._near.find(text)))

    def refuse(self, rows: Sequence[Row]) -> None:
        """Raise DataError, naming rows but no text, when one of the rows is held out."""
        held = [row for row in rows if self.holds(row.text)]
        if held:
            named = ", ".join(f"{row.file} row {row.number}" for row in held[:5])
            raise DataError(
                f"{len(held)} rows to augment are, or nearly are, in the held-out data: {named}"
                f"{' ...' if len(held) > 5 else ''}. Take them out of one, or pass --skip-held-out."
            )


def rewritten(
    rows: Sequence[Row], rewrite: Rewrite, method: str, per_row: int, done: Callable[[int], None]
) -> Iterator[Copy]:
    """Copies that keep their row's labels. ``done`` is told how many rows are finished each time."""
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        rewrites = rewrite([row.text for row in chunk], per_row)
        for row, texts in zip(chunk, rewrites, strict=True):
            for text in dict.fromkeys(texts):
                if text.strip() and text != row.text:
                    yield Copy(text, row.labels, (row,), method)
        done(len(chunk))


def joined(rows: Sequence[Row], pool: Sequence[Row], per_row: int, seed: int) -> Iterator[Copy]:
    """Each row joined to rows of the pool that have no label, the labels OR-ed.

    A row of the pool is used once and is then not joined as a row any more: were it used freely, its copies
    would tie nearly all rows into one family, which no split could divide. With too few of them, fewer
    copies are made.
    """
    generator = _generator(seed, "join")
    clean = [row for row in pool if row.text.strip() and all(label == 0 for label in row.labels)]
    random.Random(seed).shuffle(clean)  # noqa: S311 - an order, not a secret
    used: set[tuple[str, int]] = set()
    for row in rows:
        if (row.file, row.number) in used or not row.text.strip():
            continue
        used.add((row.file, row.number))
        made = 0
        while made < per_row and clean:
            companion = clean.pop()
            if (companion.file, companion.number) in used or companion.text == row.text:
                continue
            used.add((companion.file, companion.number))
            labels = joined_labels(np.array(row.labels), np.array(companion.labels))
            text = join(row.text, companion.text, generator)
            yield Copy(text, tuple(float(label) for label in labels), (row, companion), "join")
            made += 1


def noisy(texts: Sequence[str], n: int, seed: int) -> list[list[str]]:
    """``n`` misspelt copies of each text, depending on the seed and the text alone."""
    return [
        [add_noise(text, generator) for _ in range(n)]
        for text in texts
        for generator in (_generator(seed, text),)
    ]


def stripped(texts: Sequence[str], n: int) -> list[list[str]]:
    """Each text without punctuation and case; then without punctuation; then without case."""
    return [
        [strip_case(strip_punctuation(text)), strip_punctuation(text), strip_case(text)][:n] for text in texts
    ]


def is_positive(row: Row, index: int) -> bool:
    """True where the row has the label at ``index``; false where it is masked."""
    return not math.isnan(row.labels[index]) and row.labels[index] >= 0.5


def _generator(seed: int, text: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}:{text}".encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
