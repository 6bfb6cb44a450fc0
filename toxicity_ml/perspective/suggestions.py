"""Checks a suggestion and makes the answer of `comments:suggestscore`."""

from __future__ import annotations

from collections.abc import Sequence

from toxicity_ml.perspective.errors import (
    bad_score,
    no_attribute_scores,
    score_type_not_supported,
    unknown_text_type,
)
from toxicity_ml.perspective.requests import PROBABILITY, Score, SuggestedScores, SuggestRequest
from toxicity_ml.perspective.spans import utf16_length

__all__ = ["answer", "check"]


def check(request: SuggestRequest, *, max_bytes: int) -> None:
    """Raise the WireError of a suggestion without comment or scores, or with a score that says nothing."""
    request.comment.check_size(max_bytes)
    if not request.attribute_scores:
        raise no_attribute_scores()
    if request.comment.type not in ("PLAIN_TEXT", "HTML"):
        raise unknown_text_type()
    length = utf16_length(request.comment.text)
    for attribute, scores in request.attribute_scores.items():
        _check_scores(attribute, scores, length)
    request.context.check()


def answer(request: SuggestRequest, detected: Sequence[str]) -> dict[str, object]:
    """Return the answer to a suggestion that was received."""
    body: dict[str, object] = {}
    if request.client_token is not None:
        body["clientToken"] = request.client_token
    if detected:
        body["detectedLanguages"] = list(detected)
    if request.languages:
        body["requestedLanguages"] = list(request.languages)
    return body


def _check_scores(attribute: str, scores: SuggestedScores, length: int) -> None:
    if scores.summary_score is None and not scores.span_scores:
        raise bad_score(attribute, "neither summary_score nor span_scores is set.")
    if scores.summary_score is not None:
        _check_score(attribute, scores.summary_score)
    for span in scores.span_scores:
        if span.end is None or span.score is None:
            raise bad_score(attribute, "a span needs begin, end and score.")
        if not 0 <= span.begin < span.end <= length:
            raise bad_score(attribute, "a span lies outside of the comment.")
        _check_score(attribute, span.score)


def _check_score(attribute: str, score: Score) -> None:
    if score.type != PROBABILITY:
        raise score_type_not_supported(score.type, attribute)
    if not 0 <= score.value <= 1:
        raise bad_score(attribute, "a probability lies between 0 and 1.")
