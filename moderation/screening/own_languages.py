"""Scores the texts that the model was made for, and the others as their registration says; stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moderation.models import ModelVersion, Screening
from moderation.screening.languages import identify
from moderation.screening.scorer import Failure, Scorer, Scores, score_each
from moderation.visibility import means

__all__ = ["Result", "Unjudged", "score_or_pass"]


@dataclass(frozen=True)
class Unjudged:
    """Stands in place of the scores of a text in a language that the model was not made for."""

    is_queued: bool
    """True: a person is to judge it."""


Result = Scores | Failure | Unjudged


def score_or_pass(score: Scorer, rows: Sequence[Screening], version: ModelVersion) -> list[Result]:
    """Score the texts of n rows -> n results in their order; the language of each is noted in its row.

    A text in another language is scored or not as its model's registration says; one whose language can't be
    told is scored. Raises ModelNotReady where the fault is not a text's.
    """
    results: dict[int, Result] = {}
    for row, identified in zip(rows, identify([row.text for row in rows], version), strict=True):
        row.language = identified.language
        wanted = "score" if identified.is_own else _wanted(row)
        if wanted != "score":
            results[row.pk] = Unjudged(is_queued=wanted == "queue")
    to_score = [row for row in rows if row.pk not in results]
    if to_score:
        scored = score_each(score, [row.text for row in to_score])
        results.update(zip([row.pk for row in to_score], scored, strict=True))
    return [results[row.pk] for row in rows]


def _wanted(row: Screening) -> str:
    """What the registration of the row's model makes of other languages; what has no model is scored."""
    entry = means.registration(row)
    return "score" if entry is None else entry.other_languages
