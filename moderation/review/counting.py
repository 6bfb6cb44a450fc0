"""Counts for the metrics what people do in the queue, once it is committed."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save

from moderation import metrics
from moderation.models import Review


def connect() -> None:
    """Count every review that this process stores from now on."""
    post_save.connect(_on_review, sender=Review, dispatch_uid="moderation.reviews")


def _on_review(instance: Review, using: str, **_: Any) -> None:
    def count() -> None:
        metrics.count_review(instance.kind, instance.outcome)

    transaction.on_commit(count, using=using, robust=True)
