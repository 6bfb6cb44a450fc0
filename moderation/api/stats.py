"""`stats/`: how much waits, how much comes in, what people made of it. Each figure is bounded in its cost.

Open audit items are counted with the flagged ones throughout: a count that grows with one item and not with
another would tell what each is.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Min, Q
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from moderation.api.access import READ_SCREENINGS, viewer_of
from moderation.api.endpoint import Endpoint
from moderation.api.openapi import Operation
from moderation.models import Review, Screening
from moderation.models.conditions import UNDECIDED_DRAWN
from moderation.monitoring import figures
from moderation.review import rights

RECENT = 10_000
"""Rows that the figures of what came in, and of what was decided, look back upon."""
IS_DECISION = Q(kind="decision")


class QueueFigures(serializers.Serializer):
    """What waits for a person, among the 10,000 most severe."""

    held = serializers.IntegerField()
    flagged = serializers.IntegerField(help_text="With the audit items, which nothing tells apart.")
    edited = serializers.IntegerField()
    failed = serializers.IntegerField()
    language = serializers.IntegerField(help_text="In a language that the model was not made for.")
    reported = serializers.IntegerField(help_text="There for readers' reports alone.")
    author = serializers.IntegerField(help_text="Held for their authors.")


class PendingFigures(serializers.Serializer):
    """What waits to be scored, of one priority."""

    count = serializers.IntegerField(help_text="100,000 at most.")
    oldest_seconds = serializers.FloatField(help_text="Age of the oldest; 0 where none waits.")


class RecentFigures(serializers.Serializer):
    """Of the latest 10,000 screenings."""

    screenings = serializers.IntegerField()
    since = serializers.DateTimeField(allow_null=True, help_text="When the oldest of them was made.")
    judged = serializers.IntegerField(help_text="Those that a model judged.")
    flagged = serializers.IntegerField(help_text="With the open audit items.")
    held = serializers.IntegerField()
    flag_rate = serializers.FloatField(
        allow_null=True, help_text="Share of the judged ones that is flagged or held; null: none is judged."
    )


class ReviewFigures(serializers.Serializer):
    """Of the latest 10,000 reviews."""

    decisions = serializers.IntegerField()
    since = serializers.DateTimeField(allow_null=True, help_text="When the oldest of them was made.")
    uphold = serializers.IntegerField()
    false_positive = serializers.IntegerField()
    relabel = serializers.IntegerField()


class Stats(serializers.Serializer):
    """The state of the pipeline."""

    queue = QueueFigures()
    pending = serializers.DictField(child=PendingFigures(), help_text="{priority: what waits}")
    failed = serializers.IntegerField(help_text="Texts that could not be scored and that nobody has judged.")
    actions_pending = serializers.IntegerField(help_text="Hidings and showings still to be carried out.")
    active_version = serializers.CharField(allow_null=True)
    recent = RecentFigures()
    reviews = ReviewFigures()


class StatsView(Endpoint):
    """All of them at once."""

    access = {"GET": READ_SCREENINGS}
    operations = {"GET": Operation("stats", "Figures of the queue, of what comes in and of reviews", Stats)}

    def get(self, request: Request) -> Response:
        """Ask what the metrics page asks, and two queries more over the latest rows."""
        now, user = figures.read(), viewer_of(request)
        queue, failed = now.queue, now.failed
        if rights.is_restricted(user):
            queue = figures.queue_of(rights.visible(user, Screening.objects.open())).by_reason
            failed = rights.visible(user, Screening.objects.failed_undecided()).count()
        pending = {
            priority: {"count": count, "oldest_seconds": now.oldest[priority]}
            for priority, count in now.pending.items()
        }
        return Response(
            {
                "queue": dict(queue),
                "pending": pending,
                "failed": failed,
                "actions_pending": now.actions,
                "active_version": now.active_version or None,
                "recent": _recent(user),
                "reviews": _reviews(user),
            }
        )


def _recent(user: Any) -> dict[str, Any]:
    latest = rights.visible(user, Screening.objects.order_by("-id"))[:RECENT]
    counts: dict[str, Any] = latest.aggregate(
        screenings=Count("pk"),
        since=Min("created"),
        judged=Count("pk", filter=~Q(verdict__in=["", "unjudged"])),
        flagged=Count("pk", filter=Q(verdict="flagged") | UNDECIDED_DRAWN),
        held=Count("pk", filter=Q(verdict="held") & ~UNDECIDED_DRAWN),
    )
    marked = counts["flagged"] + counts["held"]
    return {**counts, "flag_rate": marked / counts["judged"] if counts["judged"] else None}


def _reviews(user: Any) -> dict[str, Any]:
    latest = rights.about_visible(user, Review.objects.order_by("-id"))[:RECENT]
    return dict(
        latest.aggregate(
            decisions=Count("pk", filter=IS_DECISION),
            since=Min("created"),
            **{each: Count("pk", filter=IS_DECISION & Q(decision=each)) for each in Review.Decision.values},
        )
    )
