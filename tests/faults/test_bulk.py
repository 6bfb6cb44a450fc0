"""Workers that end in the middle of a decision about many items: each is decided once, and all are."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.db.models import Count

from moderation.models import BulkItem, Review, Screening
from moderation.review import bulk
from tests.faults.workers import Workers

ITEMS = 1500


def decided() -> int:
    return BulkItem.objects.filter(state=BulkItem.State.DECIDED).count()


def test_a_job_of_killed_workers_is_carried_on_and_each_item_decided_once(workers: Workers) -> None:
    moderator = User.objects.create_user("ann", is_staff=True)
    moderator.user_permissions.set(Permission.objects.filter(codename="review_screening"))
    Screening.objects.bulk_create(
        Screening(source="import", text="buy now", status="done", verdict="held", queued_for="held")
        for _ in range(ITEMS)
    )
    job = bulk.start(moderator, Screening.objects.all(), chosen="selected", decision="false_positive")
    for _ in range(2):
        before = decided()
        worker = workers.start(moderation={"SWEEP_SECONDS": 1})
        workers.wait_for(lambda least=before: decided() > least + 20, "a part of the job")
        workers.kill(worker)
    assert decided() < ITEMS
    workers.start(moderation={"SWEEP_SECONDS": 1})
    workers.wait_for(lambda: not bulk.BulkDecision.objects.filter(finished=None).exists(), "the whole job")
    assert decided() == ITEMS
    twice = Review.objects.values("screening").annotate(reviews=Count("pk")).filter(reviews__gt=1)
    assert not twice.exists()
    assert Review.objects.count() == ITEMS == bulk.progress(job).passed
    assert not Screening.objects.open().exists()
