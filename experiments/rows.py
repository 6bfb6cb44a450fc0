"""Rows of the corpora that a user has, with the sources' names and what each is used for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from experiments.places import data
from toxicity_ml.corpora.prevalence import natural_weights
from toxicity_ml.labels import JIGSAW_LABELS

LABELS = list(JIGSAW_LABELS)
TOXIC, OBSCENE, THREAT, INSULT, IDENTITY_HATE = (
    LABELS.index(label) for label in ("toxic", "obscene", "threat", "insult", "identity_hate")
)
WIKI = "jigsaw"
NEWS = ("civil_comments", "toxic_spans")
FORUMS = ("toxichat_reddit", "ruddit", "davidson", "convabuse", "sbic_dev", "gab_hate_corpus", "paradetox")
ONE_SIDED = ("implicit_hate", "stormfront", "misogyny_reddit")
"""Sources whose other side is known by identity_hate 0 alone."""
TWINS = ("paradetox", "hatemoji", "holistic_bias")
"""Sources of near-equal pairs: a hash of the text would put twins on two sides, so none is held out here."""
HELD_SHARE = 0.04
FOLD_HASHES = "fold_hash"
"""Name of the array of a rows file with the `fold_hash` of each text as it was in its source."""
BLEND_PREVALENCE = 0.08
"""Share of toxic rows among the news and the forums of a blend that thresholds are chosen on."""


def letters(text: str) -> str:
    """Return the letters of a text in lower case: copies that differ in nothing else have the same."""
    return re.sub(r"[^a-z]+", " ", text.lower()).strip()


def _hash_of(text: str, purpose: str) -> int:
    return int(hashlib.sha256(f"{purpose} {letters(text)}".encode()).hexdigest()[:8], 16)


def fold_hash(text: str) -> int:
    """Return the 32 bits that a text's fold goes by: of its letters."""
    return _hash_of(text, "fold")


def fold_of(text: str, folds: int) -> int:
    """Return the number of the fold that the text is in, by its letters."""
    return fold_hash(text) % folds


def kept_folds(rows: Mapping[str, np.ndarray], folds: int) -> np.ndarray:
    """Return the fold of each row of a rows file: int (n,). It is that of the text before it was misspelt or
    joined to another, by which `mixture.py --fold` chooses.

    Raises SystemExit where the file was made without them.
    """
    if FOLD_HASHES not in rows:
        raise SystemExit("The rows file does not say which fold a row is of: make it anew with mixture.py.")
    return rows[FOLD_HASHES].astype(np.int64) % folds


def parsed_fold(fold: str) -> tuple[int, int]:
    """Return (1, 3) for 1/3: the second of three folds, counted from 0."""
    number, _, folds = fold.partition("/")
    return int(number), int(folds)


def is_in_fold(texts: Iterable[str], fold: str) -> np.ndarray:
    """True for the texts of a fold that is written K/N: bool (n,)."""
    number, folds = parsed_fold(fold)
    return np.array([fold_of(text, folds) == number for text in texts], dtype=bool)


def is_held_out(text: str, source: str) -> bool:
    """True for a row of the wider training file that is kept for the last measurement."""
    if source in TWINS or source == "jigsaw_templates":
        return False
    return _hash_of(text, "held") / 0xFFFFFFFF < HELD_SHARE


def wider(language: str = "en", part: str = "train") -> pd.DataFrame:
    """Return rows of the wider sets: `train`, `test` (what is held out of that file) or `valid`."""
    name = f"{language}_valid.csv.gz" if part == "valid" else f"{language}.csv.gz"
    rows = pd.read_csv(data() / "wider" / name, dtype={"id": str})
    rows["text"] = rows.text.astype(str)
    if part == "valid":
        return rows
    held = np.array(
        [is_held_out(text, source) for text, source in zip(rows.text, rows.source, strict=True)], dtype=bool
    )
    return rows[held if part == "test" else ~held].reset_index(drop=True)


def jigsaw(name: str = "train") -> pd.DataFrame:
    """Return the rows of one of Jigsaw's files, the text in the column `text`."""
    rows = pd.read_csv(data() / "jigsaw" / f"{name}.csv.gz").rename(columns={"comment_text": "text"})
    rows["text"] = rows.text.astype(str)
    rows["source"] = WIKI
    return rows


def at_natural_prevalence(truth: np.ndarray) -> np.ndarray:
    """Return weights with which Jigsaw's rows stand for all of them. truth: float (n, n_labels)."""
    return np.array(natural_weights(truth.tolist(), data() / "jigsaw" / "label_patterns.csv"))


def truth_of(rows: pd.DataFrame) -> np.ndarray:
    """Return what is known of each label: float (n, n_labels), NaN where nobody looked."""
    return np.asarray(rows[LABELS].to_numpy(dtype=np.float64))


def sides(
    rows: pd.DataFrame, truth: np.ndarray, source: str, *, borrows: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a wider source that are toxic, and those that are not: bool (n,) each.

    borrows: True gives a source without clean rows those of its like, news' to toxic_spans and forums' to
    edos, so that it can be ranked against something.
    """
    sources, is_wider = rows.source.to_numpy(), (rows.set == "wider").to_numpy()
    here = is_wider & (sources == source)
    toxic = truth[:, TOXIC] > 0.5
    no_hate = (truth[:, IDENTITY_HATE] == 0) & ~toxic
    if source in ONE_SIDED:
        return here & toxic, here & no_hate
    negative = here & (truth[:, TOXIC] < 0.3)
    if borrows and source == "toxic_spans":
        negative = is_wider & (sources == "civil_comments") & (truth[:, TOXIC] < 0.2)
    if borrows and source == "edos":
        like = is_wider & np.isin(sources, ("toxichat_reddit", "misogyny_reddit", "gab_hate_corpus"))
        negative = like & ((truth[:, TOXIC] < 0.3) | ((sources == "misogyny_reddit") & no_hate))
    return here & toxic, negative
