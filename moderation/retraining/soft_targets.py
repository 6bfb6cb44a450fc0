"""Scores unjudged texts with the active version: a retrained model is to agree on these.

Uses a classifier that it is given; loads none. Where a text is learned, its target is the network's own,
uncalibrated probability (Hinton et al. 2015).
"""

import math
from dataclasses import replace
from typing import Any

from moderation.conf import conf
from moderation.retraining import rehearsal, training_data
from moderation.retraining.training_data import DEV, TEST, TRAIN, Row
from moderation.texts import text_key

SURE = 0.3, 0.7
"""Outside of these, int8 arithmetic does not change on which side of one half a probability is."""
TOXIC_SHARE = 0.15
"""Of the texts that prove an export: about as on a site."""


def unreviewed(old: Any, side: str, count: int, seed: int) -> list[Row]:
    """Draw unreviewed texts of one side to stand for all, with the active version's scores as targets."""
    if count < 1:
        return []
    found, total = training_data.unreviewed(side, count, seed=seed)
    if not found:
        return []
    texts = [text for text, _ in found]
    # What is learned counts each text once: thousands of clear ones must not drown the reviews. What is
    # chosen and calibrated by has to look like the site.
    scores = old.predict_array(texts) if side == DEV else _uncalibrated(old, texts)
    weight = total / len(found) if side == DEV else 1.0
    return [
        Row(text, tuple(float(score) for score in row), key, weight)
        for (text, key), row in zip(found, scores, strict=True)
    ]


def rehearsed(old: Any, count: int, seed: int) -> dict[str, list[Row]]:
    """Return {side: rehearsal texts, with the active version's scores as targets}.

    Texts that read like a judged one are left out: nothing is taught against a decision.
    """
    keys = {text: text_key(text, conf.TEXT_KEY_SECRET) for text in rehearsal.texts(count, seed=seed)}
    judged = training_data.judged(keys.values())
    texts = [text for text, key in keys.items() if key not in judged]
    rows: dict[str, list[Row]] = {TRAIN: [], DEV: [], TEST: []}
    if not texts:
        return rows
    for text, row in zip(texts, _uncalibrated(old, texts), strict=True):
        key = keys[text]
        rows[training_data.side(key)].append(Row(text, tuple(float(score) for score in row), key))
    return rows


def _uncalibrated(old: Any, texts: list[str]) -> Any:
    """Return the network's probabilities before calibration, (n, n_labels), as a target to learn.

    The calibration is inherited with the thresholds, so a target that had gone through it would go through it
    twice.
    """
    from toxicity_ml.activations import sigmoid

    return sigmoid(old.logits(texts))


def proving_the_export(old: Any, rows: list[Row]) -> list[Row]:
    """Choose texts to compare the exported model with the trained one; the reviewed are too few for that.

    They are texts of which the active version is sure, mostly harmless ones: limits on means and shares are
    meant for a site's comments, and texts near one half would make them a toss of a coin. They weigh nothing
    and have no labels, so calibration, thresholds and the choice of a checkpoint do not see them.
    """
    if not rows:
        return []
    raw = _uncalibrated(old, [row.text for row in rows])
    is_sure = ((raw < SURE[0]) | (raw > SURE[1])).all(axis=1)
    is_toxic = (raw >= SURE[1]).any(axis=1)
    harmless = [row for row, chosen in zip(rows, is_sure & ~is_toxic, strict=True) if chosen]
    toxic = [row for row, chosen in zip(rows, is_sure & is_toxic, strict=True) if chosen]
    toxic = toxic[: round(len(harmless) * TOXIC_SHARE / (1 - TOXIC_SHARE))]
    return [replace(row, labels=tuple(math.nan for _ in row.labels), weight=0.0) for row in harmless + toxic]
