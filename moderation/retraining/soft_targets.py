"""Scores unjudged texts with the active version: a retrained model is to agree on these.

Uses a classifier that it is given; loads none. Where a text is learned, its target is the network's own,
uncalibrated probability (Hinton et al. 2015).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from moderation.conf import conf
from moderation.retraining import rehearsal, training_data
from moderation.retraining.near_copies import NearCopies
from moderation.retraining.neighbours import Neighbours
from moderation.retraining.training_data import DEV, TEST, TRAIN, Row, Sides
from moderation.texts import text_key

SURE = 0.3, 0.7
"""Outside of these, int8 arithmetic does not change on which side of one half a probability is."""
UNTOUCHED_WEIGHT = 0.75
"""How much a box counts that came with the model's opinion, and that the person who relabelled left so."""
LEAST_LIKENESS = 0.3
"""From here on a decision is near: a score against it is not taught (see docs/decisions.md)."""
TOXIC_SHARE = 0.15
"""Of the texts that prove an export: about as on a site."""


def unreviewed(old: Any, sides: Sides, count: int, seed: int) -> list[Row]:
    """Draw at most `count` unreviewed texts to learn, with the active version's scores as targets.

    Each counts once: thousands of clear ones must not drown the reviews. What the active version flags is
    left out, as reviews say what that is worth, and so is what reads nearly like a judged text, and what is
    nearest to a decision that the active version contradicts: its score would teach back what a person
    corrected.
    """
    if count < 1:
        return []
    drawn, _ = training_data.unreviewed(TRAIN, count, seed=seed, rotation=sides.rotation.number)
    judged = NearCopies([row.text for row in (*sides.train, *sides.dev, *sides.test)])
    found = [(text, key) for text, key in drawn if not judged.near(text)]
    if not found:
        return []
    texts = [text for text, _ in found]
    thresholds = [old.thresholds[label] for label in old.labels]
    is_flagged = (old.predict_array(texts) >= thresholds).any(axis=1)
    unflagged = [one for one, flagged in zip(found, is_flagged, strict=True) if not flagged]
    kept = _apart_from_what_was_missed(old, sides.train, unflagged)
    if not kept:
        return []
    raw = _uncalibrated(old, [text for text, _ in kept])
    return [
        Row(text, tuple(float(score) for score in scores), key)
        for (text, key), scores in zip(kept, raw, strict=True)
    ]


def _apart_from_what_was_missed(
    old: Any, decided: Sequence[Row], unflagged: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Leave out the (text, key) whose nearest decision found harm that the active version does not see.

    decided: of the learning side alone, so that no decision to test by takes part in what is learned. Only
    the nearest one counts: a harmless text that shares words with an insult is nearest to a harmless one.
    """
    harmful = [place for place, row in enumerate(decided) if any(value >= 0.5 for value in row.labels)]
    if not harmful or not unflagged:
        return list(unflagged)
    thresholds = [old.thresholds[label] for label in old.labels]
    says = np.array([decided[place].labels for place in harmful]) >= 0.5
    sees = old.predict_array([decided[place].text for place in harmful]) >= thresholds
    missed = {harmful[place] for place in np.flatnonzero((says & ~sees).any(axis=1))}
    index = Neighbours([row.text for row in decided], [text for text, _ in unflagged])
    kept = []
    for text, key in unflagged:
        likeness = index.likeness(text)
        nearest = int(likeness.argmax())
        if likeness[nearest] < LEAST_LIKENESS or nearest not in missed:
            kept.append((text, key))
    return kept


def with_presets(old: Any, rows: Sequence[Row], weight: float) -> list[Row]:
    """Return the rows, in which a box that nobody touched counts with `weight`, 0 to 1.

    For the rest of it the active version's own score stands: cross entropy is linear in the target, so the
    mixture of the two is the same as learning both, each with its weight.
    """
    places = [place for place, row in enumerate(rows) if any(row.is_preset)]
    if not places or weight >= 1:
        return list(rows)
    mixed = list(rows)
    raw = _uncalibrated(old, [rows[place].text for place in places])
    for place, scores in zip(places, raw, strict=True):
        row = rows[place]
        labels = tuple(
            weight * value + (1 - weight) * float(score) if is_preset else value
            for value, score, is_preset in zip(row.labels, scores, row.is_preset, strict=True)
        )
        mixed[place] = replace(row, labels=labels)
    return mixed


def rehearsed(old: Any, count: int, seed: int, rotation: int = 0) -> dict[str, list[Row]]:
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
        rows[training_data.side(key, rotation)].append(Row(text, tuple(float(score) for score in row), key))
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
