"""Claims: nothing twice, nothing lost, and only a text's own errors count against it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.models.functions import Now
from django.utils import timezone

from moderation.models import ModelVersion, Screening
from moderation.screening import claim as claim_module
from moderation.screening.claim import (
    claim,
    claim_quarantined,
    count_error,
    fail_deadly,
    has_quarantined,
    is_leased,
    put_off,
    release,
    retry_failed,
)
from moderation.worker.drain import drain
from tests.conftest import uses_postgresql
from tests.forum.models import Note
from tests.moderation.conftest import by_words, load_by_words, locked_by_somebody, make_version


def make_pending(count: int, **columns: object) -> list[Screening]:
    return [
        Screening.objects.create(source="import", text=f"text {number}", **columns) for number in range(count)
    ]


def run_out(**columns: object) -> None:
    """Every lease ends, as after a SIGKILL and some time."""
    Screening.objects.update(lease_until=Now() - timedelta(seconds=1), **columns)


def pause_is_over() -> None:
    """Every back-off ends, as after some time."""
    Screening.objects.update(retry_at=Now() - timedelta(seconds=1))


@pytest.mark.django_db
def test_the_highest_priority_and_then_the_oldest_come_first() -> None:
    late = make_pending(2, priority=Screening.Priority.LOW)
    first = make_pending(2)
    assert [row.pk for row in claim(3).screenings] == [first[0].pk, first[1].pk, late[0].pk]


@pytest.mark.django_db
def test_what_is_claimed_is_not_to_be_had_until_it_is_released() -> None:
    make_pending(3)
    mine = claim(2)
    assert len(mine.screenings) == 2
    assert len(claim(9).screenings) == 1
    assert not claim(9)
    assert release(mine.token) == 2
    assert len(claim(9).screenings) == 2
    assert set(Screening.objects.values_list("deaths", flat=True)) == {0}


@pytest.mark.django_db
def test_only_pending_current_texts_are_claimed() -> None:
    make_pending(1, status="done", verdict="clear")
    make_pending(1, status="failed")
    make_pending(1, is_current=False)
    make_pending(1, lease_until=Now() + timedelta(minutes=1))
    make_pending(1, retry_at=Now() + timedelta(minutes=1))
    assert not claim(9)


@pytest.mark.django_db
def test_a_lease_that_ran_out_is_taken_over_and_counted_as_a_death() -> None:
    make_pending(1)
    first = claim(9)
    run_out()
    second = claim(9)
    assert second.screenings[0].deaths == 1
    assert second.token != first.token
    assert release(first.token) == 0


@pytest.mark.django_db
def test_after_two_deaths_a_text_is_claimed_alone_and_after_three_more_it_fails(
    version: ModelVersion,
) -> None:
    deadly, *_ = make_pending(3)
    for _ in range(2):
        assert len(claim(9).screenings) == 3
        run_out()
    met = []
    while has_quarantined():
        assert not claim(9)
        assert fail_deadly(version) == 0
        (claimed,) = claim_quarantined().screenings
        met.append((claimed.pk == deadly.pk, claimed.deaths))
        if claimed.pk == deadly.pk:
            run_out()
        else:
            Screening.objects.filter(pk=claimed.pk).update(status="done", verdict="clear", lease_token=None)
    assert [deaths for is_deadly, deaths in met if is_deadly] == [2, 3, 4]
    assert [deaths for is_deadly, deaths in met if not is_deadly] == [2, 2]
    assert fail_deadly(version) == 1
    failed = Screening.objects.get(status="failed")
    assert (failed.queued_for, failed.error_code, failed.failed_version) == ("failed", "worker-died", version)
    assert failed.is_open
    assert failed.pk == deadly.pk


@pytest.mark.django_db
def test_deaths_in_quarantine_go_round_among_the_suspects(version: ModelVersion) -> None:
    """So that a worker killed for other reasons does not always die with the oldest text."""
    rows = make_pending(3)
    for _ in range(2):
        claim(9)
        run_out()
    met = []
    for _ in rows:
        met.append(claim_quarantined().screenings[0].pk)
        run_out()
    assert met == [row.pk for row in rows]


@pytest.mark.django_db
def test_three_errors_of_its_own_fail_a_text_with_pauses_between(version: ModelVersion) -> None:
    make_pending(1)
    pauses = []
    for attempt in (1, 2, 3):
        mine = claim(9)
        count_error(mine.token, mine.screenings[0].pk, "scoring-error:ValueError", version)
        row = Screening.objects.get()
        assert row.attempts == attempt
        assert not claim(9)
        if attempt < 3:
            assert row.status == "pending"
            assert row.retry_at is not None
            pauses.append(row.retry_at - Screening.objects.values_list(Now(), flat=True)[0])
            pause_is_over()
    assert [round(pause.total_seconds() / 5) for pause in pauses] == [1, 2]
    assert (row.status, row.queued_for, row.deaths, row.retry_at) == ("failed", "failed", 0, None)
    assert row.error_code == "scoring-error:ValueError"


@pytest.mark.django_db
def test_a_back_off_is_no_lease_and_a_claim_ends_it(version: ModelVersion) -> None:
    counted, waiting = make_pending(2)
    mine = claim(9)
    assert count_error(mine.token, counted.pk, "scoring-error:ValueError", version)
    put_off(mine.token, waiting.pk)
    for row in Screening.objects.all():
        assert (row.lease_token, row.lease_until) == (None, None)
        assert row.retry_at is not None
    assert not Screening.objects.leased().exists()
    assert not claim(9)
    pause_is_over()
    again = claim(9)
    assert {row.retry_at for row in again.screenings} == {None}
    assert set(Screening.objects.values_list("retry_at", "deaths")) == {(None, 0)}
    assert release(again.token) == 2
    assert len(claim(9).screenings) == 2


@pytest.mark.django_db
def test_an_edit_ends_the_back_off_of_the_text_that_it_replaces(version: ModelVersion) -> None:
    note = Note.objects.create(text="hello")
    mine = claim(9)
    count_error(mine.token, mine.screenings[0].pk, "scoring-error:ValueError", version)
    note.text = "hello again"
    note.save()
    old, new = Screening.objects.order_by("pk")
    assert (old.status, old.retry_at, new.retry_at) == ("superseded", None, None)
    assert [row.pk for row in claim(9).screenings] == [new.pk]


@pytest.mark.skipif(not uses_postgresql(), reason="SQLite's EXPLAIN has no costs to choose an index by")
@pytest.mark.django_db
def test_a_claim_among_many_that_wait_for_their_next_try_reads_the_index_of_claims() -> None:
    later = timezone.now() + timedelta(hours=1)
    Screening.objects.bulk_create(
        Screening(source="import", text="text", **columns)
        for columns in (
            *[{"retry_at": later}] * 500,
            *[{}] * 3000,
            *[{"status": "done", "verdict": "clear"}] * 3000,
        )
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE moderation_screening")
    plan = Screening.objects.claimable().order_by("-priority", "created", "id")[:32].explain()
    assert "Index Scan using moderation_claim" in plan
    assert "Sort" not in plan
    assert len(claim(32).screenings) == 32


@pytest.mark.django_db
def test_an_error_reported_after_the_lease_was_lost_does_not_count(version: ModelVersion) -> None:
    make_pending(1)
    mine = claim(9)
    run_out()
    claim(9)
    count_error(mine.token, mine.screenings[0].pk, "scoring-error:ValueError", version)
    assert Screening.objects.get().attempts == 0


@pytest.mark.django_db
def test_another_model_version_tries_again_what_one_failed_at(version: ModelVersion) -> None:
    later = Now() + timedelta(minutes=1)
    (row,) = make_pending(
        1, status="failed", queued_for="failed", attempts=3, failed_version=version, retry_at=later
    )
    assert retry_failed(version) == 0
    assert retry_failed(make_version("2")) == 1
    row.refresh_from_db()
    assert (row.status, row.attempts, row.queued_for) == ("pending", 0, "failed")
    assert len(claim(9).screenings) == 1


@pytest.mark.django_db
def test_what_a_person_has_decided_is_not_tried_again(version: ModelVersion) -> None:
    make_pending(1, status="failed", queued_for="failed", outcome="hide")
    assert retry_failed(version) == 0


@pytest.mark.django_db(transaction=True)
def test_workers_claiming_at_once_get_every_text_exactly_once() -> None:
    make_pending(120)
    claimed: list[int] = []
    errors: list[BaseException] = []
    start = threading.Barrier(6)

    def work() -> None:
        start.wait()
        while mine := claim(7):
            claimed.extend(row.pk for row in mine.screenings)

    _in_threads(6, work, errors)
    assert errors == []
    assert sorted(claimed) == sorted(Screening.objects.values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
def test_workers_taking_over_at_once_get_every_text_exactly_once() -> None:
    make_pending(40)
    claim(40)
    run_out()
    claimed: list[int] = []
    errors: list[BaseException] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        while mine := claim(7):
            claimed.extend(row.pk for row in mine.screenings)

    _in_threads(4, work, errors)
    assert errors == []
    assert len(claimed) == len(set(claimed)) == 40
    assert set(Screening.objects.values_list("deaths", flat=True)) == {1}


def _in_threads(count: int, work: Callable[[], None], errors: list[BaseException]) -> None:
    """Run `work` on `count` threads, each with a database connection of its own."""

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def fail(version: ModelVersion) -> None:
    """A worker with this version dies of the one pending text until it is failed."""
    Screening.objects.pending().update(deaths=claim_module.DEATHS_TO_FAIL)
    assert fail_deadly(version) == 1


@pytest.mark.django_db
def test_each_version_has_one_try_at_what_others_failed_at_whoever_claims_it_then(
    version: ModelVersion,
) -> None:
    """While two releases of a site run side by side, neither undoes what the other failed at for ever."""
    later = make_version("2")
    make_pending(1)
    fail(version)
    assert retry_failed(version) == 0
    assert retry_failed(later) == 1
    fail(version)  # which claimed it all the same
    assert (retry_failed(version), retry_failed(later)) == (0, 0)
    assert retry_failed(make_version("3")) == 1


@pytest.mark.django_db
def test_going_back_to_an_earlier_version_gives_it_what_the_bad_one_failed_at(version: ModelVersion) -> None:
    make_pending(1)
    fail(make_version("2"))
    assert retry_failed(version) == 1


@pytest.mark.regression("M12")
@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
@pytest.mark.django_db(transaction=True)
def test_row_that_a_site_s_transaction_holds_is_never_waited_for(version: ModelVersion) -> None:
    locked, free = make_pending(2)
    mine = claim(2)
    run_out(deaths=9)
    with locked_by_somebody(Screening.objects.filter(pk=locked.pk)):
        claim_module._renew(mine.token)
        count_error(mine.token, locked.pk, "reading-error:ValueError", version)
        assert release(mine.token) == 1
        assert is_leased(mine.token)  # so whoever releases it comes back
        assert fail_deadly(version) == 1
        Screening.objects.filter(pk=free.pk).update(failed_version=None, failed_versions="")
        assert retry_failed(version) == 1
    locked.refresh_from_db()
    assert (locked.status, locked.attempts) == ("pending", 0)
    assert release(mine.token) == 1
    assert not is_leased(mine.token)


@pytest.mark.regression("M12")
@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
@pytest.mark.django_db(transaction=True)
def test_drain_ends_while_a_site_s_transaction_edits_what_it_scores(version: ModelVersion) -> None:
    note = Note.objects.create(text="hello")
    rows = Screening.objects.filter(object_id=str(note.pk))

    def score(texts: Sequence[str]) -> list[dict[str, float]]:
        held.enter_context(locked_by_somebody(rows))
        return by_words(texts)

    with ExitStack() as held:
        drain(load=lambda version: score)  # comes back while the edit is still open
        assert rows.get().status == "pending"
    drain(load=load_by_words)
    assert (rows.get().status, rows.get().deaths) == ("done", 0)
