"""The rows on which networks and versions are judged: none of them is trained on."""

from __future__ import annotations

import pandas as pd

from experiments.rows import LABELS, jigsaw, wider
from toxicity_ml.augmentation.counterexamples import SAMPLE, counterexamples
from toxicity_ml.augmentation.kinds import kind_examples

CAP = 450
"""Rows of one source that are read; of toxic_spans all, since it is half of the news."""
PHRASES = 900
SEED = 99


def rows_to_judge(part: str) -> pd.DataFrame:
    """Return all of them, with the columns of LABELS, text, source and `set`, which says what they are.

    part: `valid` for choices, `test` for the last measurement, of the wider sources; Jigsaw's validation
    files and our own held-out examples are in both. Examples of kinds have `flagged` and `pair` too.
    """
    english = wider(part=part)
    english = pd.concat(
        [
            rows.sample(min(len(rows), CAP if source != "toxic_spans" else len(rows)), random_state=7)
            for source, rows in english.groupby("source")
        ]
    )
    parts = [
        jigsaw("valid").assign(set="jigsaw valid"),
        jigsaw("valid_enriched").assign(set="jigsaw enriched"),
        english.assign(set="wider"),
        kinds(3, held_out=True).assign(set="kinds"),
        phrases().assign(set="phrases"),
    ]
    return pd.concat(parts, ignore_index=True)


def kinds(draws: int, *, held_out: bool) -> pd.DataFrame:
    """Return examples by kind of comment. held_out: True for the templates that no training sees."""
    return pd.DataFrame(
        [
            {
                "text": example.text,
                **dict(zip(LABELS, example.labels, strict=True)),
                "source": example.kind,
                "subkind": example.subkind,
                "flagged": example.flagged,
                "pair": example.pair,
            }
            for example in kind_examples(draws, seed=SEED, held_out=held_out)
        ]
    )


def phrases() -> pd.DataFrame:
    """Return held-out phrases of our own, by family."""
    found = counterexamples(PHRASES, seed=SEED, held_out=True)
    columns = zip(found["text"], found["labels"], found["sample"], strict=True)
    return pd.DataFrame(
        [
            {
                "text": text,
                **dict(zip(LABELS, labels, strict=True)),
                "source": sample.removeprefix(f"{SAMPLE} "),
            }
            for text, labels, sample in columns
        ]
    )
