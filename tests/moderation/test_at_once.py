"""Two people who do the same at once: it is recorded once, and the second is told what stands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError
from django.test import Client

from moderation.audit import Actor
from moderation.authors import notes, trust
from moderation.authors.identity import Author
from moderation.coordination.turns import AUTHORS, wait_for_turn
from moderation.models import (
    AuditEntry,
    AuthorNote,
    AuthorTrust,
    Contradiction,
    Lease,
    ModelVersion,
    ModeratorPreferences,
    Policy,
    ShadowTrial,
    TrainingRun,
)
from moderation.retraining import schedule
from moderation.review.preferences import choose, put_break_off
from moderation.screening.policy_changes import ChangedMeanwhile, NothingToWithdraw, put_in_force, withdraw
from moderation.shadow import trials
from moderation.versions import store
from tests.moderation.conftest import make_version
from tests.moderation.test_queue import staff

pytestmark = pytest.mark.django_db(transaction=True)
MIA = Author(key="77")
THRESHOLDS = {"toxic": {"flag": 0.3}}


def while_it_is_done(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Do `second` on another connection while the transaction of `first` is open; return both results.

    An error of `second` is its result. Half a second after it began, the first transaction is committed: by
    then one that waits for nothing is long done.
    """
    results: list[Any] = []

    def work() -> None:
        try:
            results.append(second())
        except Exception as error:
            results.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    with transaction.atomic():
        done = first()
        thread.start()
        thread.join(0.5)
    thread.join(60)
    return done, results[0]


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def ben(db: None) -> User:
    return User.objects.create_user("ben")


def test_a_ban_is_recorded_once(ann: User, ben: User) -> None:
    trust.decide(Author(key="other"), "hold", ann)  # the row of the turn may be there or not
    Lease.objects.all().delete()
    for stance in ("ban", "usual"):
        first, second = while_it_is_done(
            lambda stance=stance: trust.decide(MIA, stance, ann),  # type: ignore[misc]
            lambda stance=stance: trust.decide(MIA, stance, ben),  # type: ignore[misc]
        )
        assert first.decided_by == ann and second is None, stance
    assert list(trust.decisions_about(MIA).values_list("stance", flat=True)) == ["usual", "ban"]
    assert AuditEntry.objects.filter(action="author.decided", username="ben").count() == 0
    assert AuthorTrust.objects.count() == 3


def test_of_two_different_decisions_the_later_one_says_what_it_replaced(ann: User, ben: User) -> None:
    while_it_is_done(lambda: trust.decide(MIA, "ban", ann), lambda: trust.decide(MIA, "never_hold", ben))
    entry = AuditEntry.objects.filter(action="author.decided").latest("id")
    assert (entry.before, entry.after) == ({"stance": "ban"}, {"stance": "never_hold"})


def test_a_note_that_is_sent_twice_is_stored_once(ann: User, ben: User) -> None:
    first, second = while_it_is_done(
        lambda: notes.add(MIA, "was rude on the phone", ann),
        lambda: notes.add(MIA, "was rude on the phone", ann),
    )
    assert first == second
    notes.add(MIA, "was rude on the phone", ben)  # what somebody else confirms is a note of its own
    notes.add(MIA, "has apologised", ben)
    notes.add(MIA, "was rude on the phone", ben)  # and so is what happened again
    assert AuthorNote.objects.count() == 4 == AuditEntry.objects.filter(action="author.noted").count()


def test_thresholds_are_withdrawn_once(ann: User, ben: User) -> None:
    put_in_force(Policy(model_label="", thresholds=THRESHOLDS), Actor.of(ann))
    first, second = while_it_is_done(lambda: withdraw("", Actor.of(ann)), lambda: withdraw("", Actor.of(ben)))
    assert first.is_withdrawn and isinstance(second, NothingToWithdraw)
    assert Policy.objects.count() == 2 and AuditEntry.objects.filter(action="policy.withdrawn").count() == 1


def test_a_change_of_thresholds_says_what_it_replaced(ann: User, ben: User) -> None:
    other = {"toxic": {"flag": 0.4}}
    while_it_is_done(
        lambda: put_in_force(Policy(model_label="", thresholds=THRESHOLDS), Actor.of(ann)),
        lambda: put_in_force(Policy(model_label="", thresholds=other), Actor.of(ben)),
    )
    changes = AuditEntry.objects.filter(action="policy.changed").order_by("id")
    assert [entry.before["thresholds"] for entry in changes] == [{}, THRESHOLDS]


def test_thresholds_that_somebody_changed_meanwhile_are_not_replaced_unseen(ann: User, ben: User) -> None:
    first, second = while_it_is_done(
        lambda: put_in_force(Policy(model_label="", thresholds=THRESHOLDS), Actor.of(ann), seen=0),
        lambda: put_in_force(Policy(model_label="", thresholds={}), Actor.of(ben), seen=0),
    )
    assert isinstance(second, ChangedMeanwhile)
    assert Policy.objects.get() == first


def test_a_training_is_asked_for_once(ann: User, ben: User) -> None:
    first, second = while_it_is_done(lambda: schedule.ask(ann), lambda: schedule.ask(ben))
    assert first == second == TrainingRun.objects.get()
    assert AuditEntry.objects.filter(action="training.asked").count() == 1


def test_a_contradiction_is_left_once(version: ModelVersion) -> None:
    row = Contradiction.objects.create(kind="reviewer", key="ann", reviewer_name="ann")
    leads = [staff(name, "lead_reviews", "review_screening", "view_screening") for name in ("lea", "leo")]

    def leave(client: Client) -> Callable[[], str]:
        form = {"action": "leave", "_selected_action": str(row.pk)}
        return lambda: client.post("/admin/moderation/contradiction/", form, follow=True).text

    _, answer = while_it_is_done(leave(leads[0]), leave(leads[1]))
    assert "1 left as it is." not in answer
    assert [entry.username for entry in AuditEntry.objects.filter(action="contradiction.dismissed")] == [
        "lea"
    ]


@pytest.fixture
def trial(candidate: ModelVersion, monkeypatch: pytest.MonkeyPatch, settings: Any) -> ShadowTrial:
    monkeypatch.setattr(store, "local_directory", lambda version: None)
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0.01}
    return trials.start(candidate, draw_rate=0.0, username="ann")


def test_what_somebody_drops_is_not_promoted_at_the_same_moment(
    trial: ShadowTrial, candidate: ModelVersion, ann: User, ben: User
) -> None:
    own = ShadowTrial.objects.get()
    _, second = while_it_is_done(lambda: trials.drop(trial, user=ann), lambda: trials.promote(own, user=ben))
    assert isinstance(second, trials.TrialRefused)
    candidate.refresh_from_db()
    assert not candidate.is_active and ShadowTrial.objects.get().status == "dropped"


def test_a_candidate_does_not_replace_a_version_that_is_activated_at_the_same_moment(
    trial: ShadowTrial, candidate: ModelVersion, ann: User, ben: User
) -> None:
    third = make_version("3")
    own = ShadowTrial.objects.get()
    _, second = while_it_is_done(
        lambda: store.activate(third, user=ann), lambda: trials.promote(own, user=ben)
    )
    assert isinstance(second, trials.TrialRefused) and "3" in str(second)
    assert ModelVersion.objects.get(is_active=True) == third
    trial.refresh_from_db()
    assert trial.status == own.status == "running"
    assert not AuditEntry.objects.filter(action="shadow.promoted").exists()


def test_nobody_activates_over_a_version_that_was_not_seen(
    version: ModelVersion, candidate: ModelVersion, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "local_directory", lambda version: None)
    third = make_version("3")
    _, second = while_it_is_done(
        lambda: store.activate(candidate, user=ann, instead_of=version),
        lambda: store.activate(third, user=ben, instead_of=version),
    )
    assert isinstance(second, store.ActivatedMeanwhile)
    assert ModelVersion.objects.get(is_active=True) == candidate


def test_preferences_of_two_windows_are_stored_both(ann: User) -> None:
    while_it_is_done(lambda: choose(ann, order="newest", break_items=40), lambda: put_break_off(ann))
    chosen = ModeratorPreferences.objects.get()
    assert (chosen.order, chosen.break_items) == ("newest", 40) and chosen.break_put_off is not None


def test_a_turn_outside_of_a_transaction_is_refused(db: None) -> None:
    with pytest.raises(TransactionManagementError):
        wait_for_turn(AUTHORS)
