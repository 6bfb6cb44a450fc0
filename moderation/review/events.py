"""Notes verdicts and decisions for webhooks, in the transaction that stores them.

While an item is open and blind, its events have neither verdict nor labels nor scores, and an audit item has
the events that a blind flagged one has: what arrives at a webhook tells the two apart no more than the queue
does. The event of the decision has everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moderation.models import Report, Review, Screening, Webhook
from moderation.models.content_types import model_label
from moderation.review import blind
from moderation.review.opinions import labels_over_threshold, scores_in_order
from moderation.webhooks import outbox
from moderation.webhooks.outbox import Event


@dataclass(frozen=True)
class Judged:
    """What a verdict rests on."""

    scores: Mapping[str, float]
    """{label: probability}."""
    labels: Sequence[str]
    """Those over threshold; of an audit item its own, which those of the row are not."""
    version: str
    """`name@version` of the model."""


def note_verdicts(rows: Iterable[tuple[Screening, Judged]]) -> None:
    """Note what was stored of each screening. rows: read only where there is a webhook."""
    outbox.note(lambda: (event for row, judged in rows for event in _of_verdict(row, judged)))


def note_decision(review: Review, screening: Screening) -> None:
    """Note a person's decision; the scores are read only where there is a webhook."""

    def events() -> Iterator[Event]:
        payload = _about(screening, _judged(screening), is_withheld=False)
        payload["review"] = {
            "id": review.pk,
            "number": review.number,
            "decision": review.decision,
            "outcome": review.outcome,
            "labels": review.labels,
            "reason": review.reason or None,
        }
        yield Event(Webhook.Event.DECIDED, screening.pk, payload)

    outbox.note(events)


def note_report(report: Report, screening: Screening) -> None:
    """Note a reader's report, without the reader's name and words, and without anything of the model's."""

    def events() -> Iterator[Event]:
        payload = _named(screening)
        payload["report"] = {"id": report.pk, "reason": report.reason, "source": report.source}
        payload["open_reports"] = screening.open_reports
        yield Event(Webhook.Event.REPORTED, screening.pk, payload)

    outbox.note(events)


def note_undo(row: Review, screening: Screening, standing: Review | None) -> None:
    """Note that a decision was taken back. standing: the one that stands again.

    An item that waits for a person again is told of as it was before the decision.
    """

    def events() -> Iterator[Event]:
        is_withheld = blind.is_withheld(screening, standing)
        payload = _about(screening, _judged(screening), is_withheld=is_withheld)
        payload["review"] = {
            "id": row.pk,
            "number": row.number,
            "undoes": row.undoes_id,
            "standing": None if standing is None else standing.pk,
            "outcome": screening.outcome or None,
        }
        yield Event(Webhook.Event.UNDONE, screening.pk, payload)

    outbox.note(events)


def _judged(screening: Screening) -> Judged | None:
    """What the verdict rests on; None where nothing was scored."""
    scoring = screening.basis()
    if scoring is None:
        return None
    return Judged(scores_in_order(scoring), labels_over_threshold(scoring), str(scoring.model_version))


def note_settled(review: Review, screening: Screening, count: int) -> None:
    """Note that a decision answered `count` reports of a text."""

    def events() -> Iterator[Event]:
        payload = _named(screening)
        payload["reports"] = count
        payload["review"] = {"id": review.pk, "number": review.number, "outcome": review.outcome}
        yield Event(Webhook.Event.SETTLED, screening.pk, payload)

    outbox.note(events)


def _named(screening: Screening) -> dict[str, Any]:
    return {
        "screening": screening.pk,
        "source": screening.source,
        "model": model_label(screening.content_type_id) if screening.content_type_id else None,
        "object_id": screening.object_id,
        "field": screening.field,
    }


def _of_verdict(screening: Screening, judged: Judged) -> Iterator[Event]:
    is_withheld = screening.is_open and blind.is_blind(screening)
    payload = _about(screening, judged, is_withheld=is_withheld)
    yield Event(Webhook.Event.SCORED, screening.pk, payload)
    if is_withheld or screening.verdict == Screening.Verdict.FLAGGED:
        yield Event(Webhook.Event.FLAGGED, screening.pk, payload)
    elif screening.verdict == Screening.Verdict.HELD:
        yield Event(Webhook.Event.HELD, screening.pk, payload)


def _about(screening: Screening, judged: Judged | None, *, is_withheld: bool) -> dict[str, Any]:
    is_told = judged is not None and not is_withheld
    return {
        **_named(screening),
        "withheld": is_withheld,
        "version": judged.version if judged else None,
        "verdict": (screening.verdict or None) if is_told else None,
        "labels": list(judged.labels) if judged and is_told else None,
        "scores": dict(judged.scores) if judged and is_told else None,
    }
