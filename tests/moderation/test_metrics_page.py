"""The page that Prometheus reads: what the database knows, at what price, and who may read it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from moderation.coordination import heartbeat
from moderation.discovery.search import remember_starts
from moderation.models import ModelVersion, Screening
from moderation.monitoring import figures
from moderation.monitoring.exposition import render
from moderation.review.decisions import decide
from tests.conftest import uses_postgresql
from tests.forum.models import Letter, Note
from tests.moderation.conftest import screen

pytestmark = pytest.mark.django_db
CANARY = "xylophonecanary"


def page() -> str:
    """What Prometheus reads of this process; it must be able to parse it."""
    text = render()[0].decode()
    assert list(text_string_to_metric_families(text))
    return text


def test_the_page_shows_what_the_database_knows(version: ModelVersion) -> None:
    remember_starts()
    for text in ("a", "b", "you idiot"):
        Note.objects.create(text=text)
    screen()
    for text in ("waits", "waits, too"):
        Note.objects.create(text=text)
    Letter.objects.create(text="waits behind")
    Screening.objects.filter(text="waits").update(created=timezone.now() - timedelta(hours=1))
    Screening.objects.filter(text="waits behind").update(priority=Screening.Priority.LOW)
    Screening.objects.filter(text="a").update(status="failed", queued_for="failed")
    Screening.objects.filter(text="b").update(action_pending=True)
    held_for = timezone.now() - timedelta(hours=5)
    Screening.objects.filter(text="you idiot").update(hidden_by_us=True, created=held_for)
    heartbeat.beat(at_once=True)
    text = page()
    for line in (
        "moderation_database_up 1.0",
        'moderation_pending{priority="normal"} 2.0',
        'moderation_pending{priority="low"} 1.0',
        "moderation_failed 1.0",
        'moderation_queue_length{reason="flagged"} 1.0',
        'moderation_queue_length{reason="failed"} 1.0',
        'moderation_queue_length{reason="edited"} 0.0',
        'moderation_queue_length{reason="suggested"} 0.0',
        "moderation_actions_pending 1.0",
        'moderation_active_version_info{version="test@1"} 1.0',
        "moderation_workers_alive 1.0",
    ):
        assert line in text.splitlines()
    held = re.search(r"^moderation_oldest_held_age_seconds (.*)$", text, re.MULTILINE)
    assert held is not None and float(held[1]) == pytest.approx(5 * 3600, abs=60)
    ages = {
        sample.labels["priority"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "moderation_oldest_pending_age_seconds"
    }
    assert ages["normal"] == pytest.approx(3600, abs=60)
    assert ages["low"] == pytest.approx(0, abs=60)
    assert 'moderation_compare_age_seconds{model="forum.Post"}' in text


def test_open_audit_items_count_with_the_flagged_ones(version: ModelVersion) -> None:
    for reason in ("audit", "flagged"):
        Screening.objects.create(
            source="import", text=reason, status="done", verdict="clear", queued_for=reason
        )
    assert 'moderation_queue_length{reason="flagged"} 2.0' in page().splitlines()
    assert 'reason="audit"' not in page()


def test_what_people_do_in_the_queue_is_counted_once_it_is_committed(
    version: ModelVersion, django_capture_on_commit_callbacks: Any
) -> None:
    def counted(outcome: str) -> float:
        found = re.search(
            rf'^moderation_reviews_total{{kind="decision",outcome="{outcome}"}} (.*)$', page(), re.MULTILINE
        )
        assert found is not None
        return float(found[1])

    before = counted("hide"), counted("show")
    Note.objects.create(text="you idiot")
    screen()
    moderator = User.objects.create_user("ann")
    screening = Screening.objects.get()
    with django_capture_on_commit_callbacks(execute=False):
        decide(screening.pk, reviewer=moderator, kind="uphold")
    assert (counted("hide"), counted("show")) == before
    screening.reviews.all()._raw_delete("default")
    with django_capture_on_commit_callbacks(execute=True):
        decide(screening.pk, reviewer=moderator, kind="uphold")
    assert (counted("hide"), counted("show")) == (before[0] + 1, before[1])


def test_a_person_s_decision_ends_a_failure(version: ModelVersion) -> None:
    Note.objects.create(text="hello")
    Screening.objects.update(status="failed", queued_for="failed", outcome="show")
    assert "moderation_failed 0.0" in page().splitlines()


@pytest.mark.parametrize("count", [3, 300])
def test_a_page_costs_the_same_few_queries_however_much_there_is(
    version: ModelVersion, django_assert_num_queries: Any, count: int
) -> None:
    Screening.objects.bulk_create(
        Screening(source="import", text="hello", priority=number % 2 * 10) for number in range(count)
    )
    with django_assert_num_queries(13):
        page()


@pytest.mark.skipif(
    not uses_postgresql(), reason="reads PostgreSQL's plans; TEST_DATABASE=postgresql runs this"
)
def test_no_figure_is_had_by_reading_the_whole_table(version: ModelVersion) -> None:
    done = {"status": "done", "verdict": "clear", "scored": timezone.now()}
    Screening.objects.bulk_create(Screening(source="import", text="x" * 200, **done) for _ in range(20_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE moderation_screening")
        with CaptureQueriesContext(connection) as asked:
            figures.read()
            figures.overdue_actions(60)
        for query in asked.captured_queries:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on moderation_screening" not in plan


def test_a_database_that_fails_is_told_and_the_rest_of_the_page_stays(version: ModelVersion) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE moderation_discovery RENAME TO elsewhere")
        text = page()
        transaction.set_rollback(True)
    assert "moderation_database_up 0.0" in text.splitlines()
    assert "moderation_pending{" not in text
    assert "moderation_promises_lost_total" in text


def test_no_text_is_on_the_page(version: ModelVersion) -> None:
    for text in (CANARY, f"{CANARY} you idiot", f"I kill you {CANARY}"):
        Note.objects.create(text=text)
    screen()
    Note.objects.create(text=CANARY)
    assert CANARY not in page()


@pytest.mark.parametrize(
    ("token", "authorization", "status"),
    [
        ("", "", 403),
        ("", "Bearer ", 403),
        ("", "Bearer None", 403),
        ("s3cret", "", 403),
        ("s3cret", "Bearer wrong", 403),
        ("s3cret", "Bearer s3cret\u00e9", 403),
        ("s3cret", "s3cret", 403),
        ("s3cret", "Bearer s3cret", 200),
    ],
)
def test_without_the_token_nobody_unknown_reads_the_metrics(
    settings: Any, token: str, authorization: str, status: int
) -> None:
    settings.MODERATION = {**settings.MODERATION, "METRICS_TOKEN": token}
    answer = Client().get("/metrics", headers={"Authorization": authorization} if authorization else {})
    assert answer.status_code == status
    assert (b"moderation_pending" in answer.content) == (status == 200)


@pytest.mark.parametrize(("user", "status"), [({}, 403), ({"is_staff": True}, 200)])
def test_staff_read_the_metrics_and_ordinary_users_do_not(user: dict[str, bool], status: int) -> None:
    client = Client()
    client.force_login(User.objects.create_user("sam", **user))
    assert client.get("/metrics").status_code == status
    assert client.post("/metrics").status_code == 405
