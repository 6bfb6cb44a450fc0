"""Says which words drove a text's highest label, within a bound of characters and of time."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

from moderation.api import scoring
from moderation.api.admission import admission
from moderation.models import ModelVersion
from moderation.screening.scorer import Failure, ModelNotReady, Scores, explain_for_web

WORDS = 5
"""How many words an explanation names."""
SECONDS = 5.0
"""After this time no further text of a request is explained."""
TEXTS_BESIDE_WORDS = 3
"""How many more times than it has words a text is read."""
_WORD = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")
"""Matches at least as many words as the model's tokenizer finds."""

Words = list[dict[str, Any]]


def cost(texts: Sequence[str]) -> int:
    """Return how many characters have to be read to score the texts and to explain the scores."""
    return sum(len(text) * (1 + TEXTS_BESIDE_WORDS + len(_WORD.findall(text))) for text in texts)


def explain_now(
    version: ModelVersion, texts: Sequence[str], results: Sequence[Scores | Failure]
) -> list[Words | None]:
    """Return for each text the words that spoke most for its highest label; None once the time is over.

    results: of `scoring.score_now`. Raises admission.Busy and scoring.NothingToScoreWith.
    """
    until = time.monotonic() + SECONDS
    explained: list[Words | None] = []
    try:
        with admission():
            for text, result in zip(texts, results, strict=True):
                is_over = time.monotonic() > until
                explained.append(
                    None if is_over or isinstance(result, Failure) else _words(version, text, result)
                )
    except ModelNotReady as error:
        raise scoring.nothing(error) from error
    return explained


def _words(version: ModelVersion, text: str, scores: Scores) -> Words:
    label = max(scores, key=lambda each: scores[each])
    speaking_for = [word for word in explain_for_web(version, text, label) if word.value > 0]
    return [
        {"text": word.text, "start": word.start, "end": word.end, "value": word.value}
        for word in sorted(speaking_for, key=lambda word: -word.value)[:WORDS]
    ]
