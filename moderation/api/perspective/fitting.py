"""Fits a version's scale to scores that Perspective gave a site's own comments, and says what it changes."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import router, transaction

from moderation import audit
from moderation.audit import Action, Actor
from moderation.models import ModelVersion, PerspectiveScale
from moderation.versions.active import manifest_of
from toxicity_ml.errors import DataError
from toxicity_ml.perspective.attributes import base_name, labels_by_attribute
from toxicity_ml.perspective.scale import Knots, Scale, fit_to_pairs

__all__ = ["CannotFit", "Flags", "Logged", "fit", "read_logged", "reset", "scale_of", "store"]

CannotFit = DataError
TEXT_COLUMNS = ("text", "comment_text", "comment")
LEAST_COMMENTS = 200
THRESHOLDS = (0.5, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Logged:
    """Comments with the scores that Perspective gave them."""

    texts: list[str]
    scores: dict[str, list[float | None]]
    """{attribute: a score for each text, or None where none was logged}."""


@dataclass(frozen=True)
class Flags:
    """Who flags how many of the same comments at a threshold."""

    attribute: str
    threshold: float
    comments: int
    theirs: int
    """By Perspective's logged scores."""
    before: int
    """By the scores that are sent today."""
    after: int
    """By those of the fitted map, which had not seen the comment."""
    both_before: int
    both_after: int
    """How many of those Perspective flags as well."""


def read_logged(path: Path, labels: Sequence[str]) -> Logged:
    """Read a CSV file: a column of texts, and one for each attribute, named as Perspective names them.

    Raises DataError, naming the line, for what is no score, and where a column is missing.
    """
    csv.field_size_limit(sys.maxsize)
    known = labels_by_attribute(tuple(labels))
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        columns = rows.fieldnames or []
        text_column = next((name for name in TEXT_COLUMNS if name in columns), None)
        attributes = {name: base_name(name.upper()) for name in columns if base_name(name.upper()) in known}
        if text_column is None or not attributes:
            raise DataError(
                f"{path} wants a column {' or '.join(TEXT_COLUMNS)}, and one for each attribute: "
                f"{', '.join(known)}."
            )
        logged = Logged([], {attribute: [] for attribute in attributes.values()})
        for row in rows:
            logged.texts.append(row[text_column] or "")
            for column, attribute in attributes.items():
                logged.scores[attribute].append(_score(row[column], path, rows.line_num, column))
    return logged


def fit(
    logged: Logged, scores: Sequence[Mapping[str, float]], labels: Sequence[str], before: Scale
) -> tuple[Scale, list[Flags]]:
    """Fit a map for each attribute, and compare its flags with today's on comments that it had not seen.

    scores: the version's for each text. before: the scale in force. Raises DataError where an attribute has
    fewer comments than a map takes.
    """
    known = labels_by_attribute(tuple(labels))
    maps: dict[str, Knots] = {}
    flags: list[Flags] = []
    for attribute, theirs in logged.scores.items():
        label = known[attribute]
        pairs = [
            (float(of[label]), their) for of, their in zip(scores, theirs, strict=True) if their is not None
        ]
        if len(pairs) < LEAST_COMMENTS:
            raise DataError(
                f"{attribute}: {len(pairs)} comments are too few; it takes {LEAST_COMMENTS}, as each half is "
                "judged by the other."
            )
        halves = pairs[::2], pairs[1::2]
        try:
            maps[label] = _fitted(pairs)
            seen_by = [_fitted(half) for half in halves]
        except DataError as error:
            raise DataError(f"{attribute}: {error}") from error
        # each comment is judged by the map of the half that it is not in
        by_half = [Scale({label: knots}) for knots in reversed(seen_by)]
        after = [by_half[place % 2].of(label, ours) for place, (ours, _) in enumerate(pairs)]
        today = [before.of(label, ours) for ours, _ in pairs]
        flags += _flags(attribute, [their for _, their in pairs], today, after)
    return Scale(maps), flags


def scale_of(version: ModelVersion) -> Scale:
    """Return the scale in force for a version: what the site fitted last, or the version's own."""
    fitted = PerspectiveScale.objects.newest(version)
    own = manifest_of(version).get("perspective_scale") or {}
    return Scale.from_json(fitted.maps if fitted is not None and fitted.maps else own)


def reset(version: ModelVersion, actor: Actor) -> None:
    """Put the version's own scale back in force."""
    store(version, Scale({}), 0, actor)


def store(version: ModelVersion, scale: Scale, comments: int, actor: Actor) -> PerspectiveScale:
    """Put a scale in force for a version; one without maps puts the version's own back."""
    with transaction.atomic(using=router.db_for_write(PerspectiveScale)):
        row = PerspectiveScale.objects.create(
            model_version=version, maps=scale.to_json(), comments=comments, created_by_name=actor.name
        )
        audit.record(
            Action.SCALE_CHANGED, actor, version, {}, {"labels": sorted(scale.maps), "comments": comments}
        )
    return row


def _fitted(pairs: Sequence[tuple[float, float]]) -> Knots:
    return fit_to_pairs([ours for ours, _ in pairs], [theirs for _, theirs in pairs])


def _flags(
    attribute: str, theirs: Sequence[float], before: Sequence[float], after: Sequence[float]
) -> Iterable[Flags]:
    for threshold in THRESHOLDS:
        flagged, now, then = ([value >= threshold for value in values] for values in (theirs, before, after))
        yield Flags(
            attribute,
            threshold,
            len(theirs),
            sum(flagged),
            sum(now),
            sum(then),
            _both(flagged, now),
            _both(flagged, then),
        )


def _both(one: Sequence[bool], other: Sequence[bool]) -> int:
    return sum(first and second for first, second in zip(one, other, strict=True))


def _score(written: str | None, path: Path, line: int, column: str) -> float | None:
    if written is None or not written.strip():
        return None
    try:
        value = float(written)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise DataError(f"{path}, line {line}: {column} is no score from 0 to 1.")
    return value
