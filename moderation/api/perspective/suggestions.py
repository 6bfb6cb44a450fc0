"""Takes the suggestions of Perspective's `comments:suggestscore` into the queue."""

from __future__ import annotations

from collections.abc import Sequence

from moderation.api import scoring
from moderation.api.perspective.engine import detect
from moderation.models import ApiKey
from moderation.screening.suggestions import Suggested, receive
from toxicity_ml.perspective.attributes import base_name, labels_by_attribute
from toxicity_ml.perspective.requests import SuggestedScores, SuggestRequest


class SiteSuggestions:
    """The service's Suggestions."""

    def receive(self, request: SuggestRequest, caller: ApiKey | None) -> Sequence[str]:
        """Store a suggestion unless the client forbids it; the languages of its text.

        Where no model is there, it is stored all the same, for a person to judge.
        """
        if caller is not None and caller.is_test:
            return ["en"]
        try:
            version = scoring.active_version()
        except scoring.NothingToScoreWith:
            version = None
        if not request.do_not_store:
            receive(_suggested(request, tuple(version.labels) if version else (), caller))
        return detect(version, request.comment.text) if version else ()


def _suggested(request: SuggestRequest, labels: Sequence[str], caller: ApiKey | None) -> Suggested:
    known = labels_by_attribute(tuple(labels))
    scores = {name: _value(suggested) for name, suggested in request.attribute_scores.items()}
    return Suggested(
        text=request.comment.text,
        scores=scores,
        labels={known[base_name(name)]: score for name, score in scores.items() if base_name(name) in known},
        key_name=caller.name if caller else "",
        community_id=request.community_id or "",
        client_token=request.client_token or "",
    )


def _value(suggested: SuggestedScores) -> float:
    """One number for an attribute: of the whole text, or the highest of its parts."""
    if suggested.summary_score is not None:
        return suggested.summary_score.value
    return max((span.score.value for span in suggested.span_scores if span.score), default=0.0)
