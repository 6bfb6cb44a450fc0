"""Decisions that are corrected or taken back: what stands then, who may, and nothing in silence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from moderation import signals
from moderation.models import AuditEntry, ModelVersion, Review, Screening
from moderation.review import decisions
from moderation.review.decisions import (
    AlreadyDecided,
    CannotDecide,
    InvalidDecision,
    NoLongerCurrent,
    NotAllowed,
    TakenBack,
    decide,
    may_undo,
    undo,
)
from moderation.review.giving_second_opinions import give_second_opinion
from tests.forum.models import Post
from tests.moderation.api import ROOT, get, person, post, problem
from tests.moderation.conftest import LABELS, make_version, screen
from tests.moderation.test_queue import QUEUE, open_page, staff
from tests.moderation.test_reviewing import is_visible, screened

pytestmark = pytest.mark.django_db
NOTHING = dict.fromkeys(LABELS)


@pytest.fixture
def ann(version: ModelVersion) -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def ben(version: ModelVersion) -> User:
    return User.objects.create_user("ben")


@pytest.fixture
def lea(version: ModelVersion) -> User:
    return a_lead("lea")


def a_lead(name: str) -> User:
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename="lead_reviews"))
    return User.objects.get(pk=user.pk)


def state(screening: Screening) -> tuple[str, str, bool, bool]:
    """Outcome, reason to be queued, whether it is open, whether the site shows the object."""
    row = Screening.objects.get(pk=screening.pk)
    return row.outcome, row.queued_for, row.is_open, is_visible(row)


# --- taking back ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "before"),
    [
        ("you idiot", "uphold", ("", "flagged", True, True)),
        ("you idiot", "false_positive", ("", "flagged", True, True)),
        ("I will kill you", "uphold", ("", "held", True, False)),
        ("I will kill you", "false_positive", ("", "held", True, False)),
        ("a nice remark", "other_reason", ("", "", False, True)),
    ],
)
def test_what_is_undone_goes_back_to_what_it_was(
    ann: User, text: str, kind: str, before: tuple[str, str, bool, bool]
) -> None:
    screening = screened(text)
    assert state(screening) == before
    decision = decide(screening.pk, reviewer=ann, kind=kind, reason="spam" if "other" in kind else "")
    assert state(screening) != before
    row = undo(decision.pk, reviewer=ann, note="a slip")
    assert state(screening) == before
    assert (row.kind, row.number, row.undoes, row.note) == ("undo", 2, decision, "a slip")
    assert (row.decision, row.outcome, row.reviewer_name) == ("", "", "ann")
    screening.refresh_from_db()
    assert screening.reviewed is None and decisions.ground_truth(screening) is None
    entry = AuditEntry.objects.get(action="review.undone")
    assert (entry.username, entry.target_id) == ("ann", str(screening.pk))
    assert entry.before["decision"] == kind and entry.after == {"outcome": "", "review": 2}


def test_an_edit_that_was_held_back_waits_hidden_again(ann: User) -> None:
    screening = screened("I will kill you")
    thread = Post.objects.get(pk=screening.object_id)
    thread.body = "I like you"
    thread.save()
    screen()
    edited = Screening.objects.get(is_current=True)
    assert state(edited) == ("", "edited", True, False)
    undo(decide(edited.pk, reviewer=ann, kind="false_positive").pk, reviewer=ann)
    assert state(edited) == ("", "edited", True, False)


@pytest.mark.parametrize(
    ("text", "queued_for", "shown"), [("I kill", "held", False), ("idiot", "flagged", True)]
)
def test_what_was_decided_before_its_verdict_stands_in_the_queue_after_the_undo(
    ann: User, text: str, queued_for: str, shown: bool
) -> None:
    thread = Post.objects.create(body=text)
    screening = Screening.objects.get(object_id=str(thread.pk))
    decision = decide(screening.pk, reviewer=ann, kind="false_positive")
    screen()
    undo(decision.pk, reviewer=ann)
    assert state(screening) == ("", queued_for, True, shown)
    assert Screening.objects.get(pk=screening.pk).sampling_probability == 1.0


def test_what_is_undone_before_its_verdict_is_judged_as_ever(ann: User) -> None:
    thread = Post.objects.create(body="I kill you")
    screening = Screening.objects.get(object_id=str(thread.pk))
    before = state(screening)
    undo(decide(screening.pk, reviewer=ann, kind="uphold").pk, reviewer=ann)
    assert state(screening) == before
    screen()
    assert state(screening) == ("", "held", True, False)


def test_a_release_by_the_site_comes_back_with_the_undo_and_outlives_it(ann: User) -> None:
    screening = screened("I will kill you")
    thread = Post.objects.get(pk=screening.object_id)
    thread.is_visible = True
    thread.save()
    released = Screening.objects.get(pk=screening.pk).released
    assert released is not None
    decision = decide(screening.pk, reviewer=ann, kind="uphold")
    assert not is_visible(screening)
    undo(decision.pk, reviewer=ann)
    screening.refresh_from_db()
    assert screening.released == released and is_visible(screening)
    later = decide(screening.pk, reviewer=ann, kind="uphold")
    thread = Post.objects.get(pk=screening.object_id)
    thread.is_visible = True
    thread.save()
    undo(later.pk, reviewer=ann)
    assert is_visible(screening)


def test_what_the_site_hid_itself_stays_hidden(ann: User) -> None:
    screening = screened("you idiot")
    Post.objects.filter(pk=screening.object_id).update(is_visible=False)
    undo(decide(screening.pk, reviewer=ann, kind="uphold").pk, reviewer=ann)
    assert not is_visible(screening)


def test_an_earlier_decision_stands_again_and_is_carried_out(ann: User, lea: User) -> None:
    screening = screened("you idiot")
    first = decide(screening.pk, reviewer=ann, kind="uphold")
    second = decide(screening.pk, reviewer=lea, kind="false_positive", seen_number=1)
    assert is_visible(screening)
    undo(second.pk, reviewer=lea)
    assert state(screening) == ("hide", "flagged", False, False)
    screening.refresh_from_db()
    assert screening.reviewed == first.created
    assert decisions.ground_truth(screening) == first
    undo(first.pk, reviewer=ann)
    assert state(screening) == ("", "flagged", True, True)


def test_only_who_decided_and_leads_may_take_back(ann: User, ben: User, lea: User) -> None:
    decision = decide(screened("you idiot").pk, reviewer=ann, kind="uphold")
    assert [may_undo(user, decision) for user in (ann, ben, lea)] == [True, False, True]
    with pytest.raises(NotAllowed):
        undo(decision.pk, reviewer=ben)
    assert Review.objects.get() == decision
    row = undo(decision.pk, reviewer=lea)
    assert row.reviewer == lea
    assert not may_undo(lea, row) and not may_undo(ann, row)
    with pytest.raises(InvalidDecision):
        undo(row.pk, reviewer=lea)
    ann.delete()
    assert not may_undo(AnonymousUser(), Review.objects.get(pk=decision.pk))


def test_the_second_undo_is_told_of_the_first(ann: User, lea: User) -> None:
    decision = decide(screened("you idiot").pk, reviewer=ann, kind="uphold")
    row = undo(decision.pk, reviewer=lea)
    with pytest.raises(TakenBack, match="lea") as refused:
        undo(decision.pk, reviewer=ann)
    assert refused.value.review == row


def test_a_decision_that_was_replaced_is_not_taken_back(ann: User, lea: User) -> None:
    screening = screened("you idiot")
    first = decide(screening.pk, reviewer=ann, kind="uphold")
    second = decide(screening.pk, reviewer=lea, kind="false_positive", seen_number=1)
    with pytest.raises(AlreadyDecided) as refused:
        undo(first.pk, reviewer=ann)
    assert refused.value.review == second and decisions.ground_truth(screening) == second


def test_what_was_edited_deleted_or_blanked_since_stays_as_it_was_decided(
    ann: User, django_capture_on_commit_callbacks: Any
) -> None:
    for change in ("edited", "deleted", "blanked"):
        screening = screened(f"you idiot, {change}")
        decision = decide(screening.pk, reviewer=ann, kind="uphold")
        thread = Post.objects.get(pk=screening.object_id)
        if change == "edited":
            thread.body = "another text"
            thread.save()
        elif change == "deleted":
            with django_capture_on_commit_callbacks(execute=True):
                thread.delete()
        else:
            Screening.objects.filter(pk=screening.pk).update(text="", blanked=timezone.now())
        for act in (
            lambda pk=decision.pk: undo(pk, reviewer=ann),
            lambda pk=screening.pk: decide(pk, reviewer=ann, kind="false_positive", seen_number=1),
        ):
            with pytest.raises(NoLongerCurrent):
                act()
        assert Review.objects.filter(screening=screening).count() == 1


def test_a_site_hears_of_it_after_the_commit(ann: User, django_capture_on_commit_callbacks: Any) -> None:
    heard: list[tuple[Screening, Review]] = []

    def listen(screening: Screening, review: Review, **_: Any) -> None:
        heard.append((screening, review))

    signals.screening_undone.connect(listen)
    try:
        screening = screened("you idiot")
        decision = decide(screening.pk, reviewer=ann, kind="uphold")
        with django_capture_on_commit_callbacks(execute=True):
            row = undo(decision.pk, reviewer=ann)
            assert heard == []
    finally:
        signals.screening_undone.disconnect(listen)
    assert heard == [(screening, row)] and heard[0][0].outcome == ""


# --- correcting -------------------------------------------------------------------------------------


def test_a_decision_is_corrected_by_who_saw_it(ann: User, ben: User, lea: User) -> None:
    screening = screened("you idiot")
    decide(screening.pk, reviewer=ann, kind="uphold")
    labels = {"toxic": True, "threat": False, "insult": False}
    second = decide(screening.pk, reviewer=ann, kind="relabel", labels=labels, seen_number=1)
    assert (second.number, second.labels) == (2, labels)
    with pytest.raises(NotAllowed, match="ann"):
        decide(screening.pk, reviewer=ben, kind="false_positive", seen_number=2)
    third = decide(screening.pk, reviewer=lea, kind="false_positive", seen_number=2)
    assert decisions.ground_truth(screening) == third and is_visible(screening)
    corrected = AuditEntry.objects.filter(action="review.corrected").order_by("id")
    assert [entry.username for entry in corrected] == ["ann", "lea"]
    assert corrected[0].before == {
        **{"outcome": "hide", "hidden_by_us": True},
        **{"decision": "uphold", "review": 1},
    }


@pytest.mark.parametrize("seen_number", [0, 2, 7])
def test_what_was_not_seen_is_not_replaced(ann: User, seen_number: int) -> None:
    screening = screened("you idiot")
    first = decide(screening.pk, reviewer=ann, kind="uphold")
    with pytest.raises(AlreadyDecided) as refused:
        decide(screening.pk, reviewer=ann, kind="false_positive", seen_number=seen_number)
    assert refused.value.review == first
    assert Review.objects.get() == first and not is_visible(screening)


def test_what_was_seen_and_is_taken_back_is_not_corrected(ann: User, lea: User) -> None:
    screening = screened("you idiot")
    decision = decide(screening.pk, reviewer=ann, kind="uphold")
    row = undo(decision.pk, reviewer=lea)
    with pytest.raises(TakenBack) as refused:
        decide(screening.pk, reviewer=ann, kind="false_positive", seen_number=1)
    assert refused.value.review == row
    again = decide(screening.pk, reviewer=ann, kind="false_positive")
    assert (again.number, again.outcome) == (3, "show")
    with pytest.raises(InvalidDecision, match="no decision"):
        decide(screened("another idiot").pk, reviewer=ann, kind="uphold", seen_number=1)


def race(*acts: Callable[[], Review]) -> list[object]:
    """Let each act run in a thread of its own at once; returns what each returned or raised."""
    answers: list[object] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(place: int, act: Callable[[], Review]) -> None:
        try:
            start.wait(timeout=20)
            answers[place] = act()
        except CannotDecide as error:
            answers[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=entry) for entry in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return answers


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["two undos", "two corrections", "an undo and a correction"])
def test_of_two_who_change_a_decision_at_once_one_is_told_of_the_other(what: str) -> None:
    make_version("1", is_active=True)
    ann, lea = User.objects.create_user("ann"), a_lead("lea")
    for number in range(6):
        screening = screened(f"idiot number {number}")
        decision = decide(screening.pk, reviewer=ann, kind="uphold")

        def take_back(user: User, key: int = decision.pk) -> Callable[[], Review]:
            return lambda: undo(key, reviewer=user)

        def correct(user: User, kind: str, key: int = screening.pk) -> Callable[[], Review]:
            reason = "spam" if kind == "other_reason" else ""
            return lambda: decide(key, reviewer=user, kind=kind, reason=reason, seen_number=1)

        if what == "two undos":
            answers = race(take_back(ann), take_back(lea))
        elif what == "two corrections":
            answers = race(correct(ann, "false_positive"), correct(lea, "other_reason"))
        else:
            answers = race(take_back(ann), correct(lea, "false_positive"))
        (made,) = [answer for answer in answers if isinstance(answer, Review)]
        (refused,) = [answer for answer in answers if isinstance(answer, CannotDecide)]
        assert isinstance(refused, AlreadyDecided | TakenBack) and refused.review == made
        assert Review.objects.filter(screening=screening).count() == 2
        outcome = Screening.objects.get(pk=screening.pk).outcome
        assert outcome == made.outcome
        assert is_visible(screening) == (outcome != "hide")
    connection.close()


# --- upholding --------------------------------------------------------------------------------------


def rescored(screening: Screening, **scores: float) -> Screening:
    screening.scorings.update(scores={**dict.fromkeys(LABELS, 0.01), **scores})
    return screening


@pytest.mark.parametrize(
    ("scores", "true"),
    [
        ({"toxic": 0.95, "insult": 0.85, "threat": 0.6}, {"toxic", "insult"}),
        ({"toxic": 0.7, "insult": 0.6}, {"toxic"}),
        ({"toxic": 0.7, "insult": 0.7}, {"toxic", "insult"}),
        ({"toxic": 0.95, "insult": 0.55}, {"toxic"}),
        ({"threat": 0.8, "toxic": 0.79}, {"threat"}),
    ],
)
def test_upholding_makes_true_only_what_is_plainly_over(
    ann: User, scores: dict[str, float], true: set[str]
) -> None:
    screening = rescored(screened("you idiot"), **scores)
    review = decide(screening.pk, reviewer=ann, kind="uphold")
    assert review.labels == {label: True if label in true else None for label in LABELS}


def test_the_label_that_a_person_picks_is_the_one_that_is_true(ann: User) -> None:
    review = decide(screened("you idiot").pk, reviewer=ann, kind="uphold", label="threat")
    assert review.labels == {**NOTHING, "threat": True} and review.outcome == "hide"
    clear = screened("a veiled insult")
    assert decide(clear.pk, reviewer=ann, kind="uphold", label="insult").labels == {**NOTHING, "insult": True}
    assert not is_visible(clear)


@pytest.mark.parametrize(("kind", "label"), [("uphold", "rude"), ("false_positive", "toxic")])
def test_a_label_that_does_not_fit_is_refused(ann: User, kind: str, label: str) -> None:
    screening = screened("you idiot")
    with pytest.raises(InvalidDecision, match="label"):
        decide(screening.pk, reviewer=ann, kind=kind, label=label)
    assert not Review.objects.exists() and is_visible(screening)


# --- second opinions --------------------------------------------------------------------------------


def test_a_second_opinion_changes_nothing(ann: User, ben: User) -> None:
    screening = screened("you idiot")
    first = decide(screening.pk, reviewer=ann, kind="uphold")
    row = give_second_opinion(screening.pk, reviewer=ben, kind="false_positive", note="quotes a film")
    assert (row.kind, row.number, row.decision, row.outcome) == (
        "second_opinion",
        2,
        "false_positive",
        "show",
    )
    assert row.labels == dict.fromkeys(LABELS, False) and row.model_version is None
    assert decisions.ground_truth(screening) == first
    assert state(screening) == ("hide", "flagged", False, False)
    assert AuditEntry.objects.get(action="review.second_opinion").username == "ben"
    third = decide(screening.pk, reviewer=ann, kind="false_positive", seen_number=1)  # none in between counts
    assert third.number == 3


def test_a_second_opinion_is_somebody_elses_and_given_once(ann: User, ben: User) -> None:
    screening = screened("you idiot")
    with pytest.raises(InvalidDecision, match="Nobody has decided"):
        give_second_opinion(screening.pk, reviewer=ben, kind="false_positive")
    decide(screening.pk, reviewer=ann, kind="uphold")
    with pytest.raises(InvalidDecision, match="somebody else"):
        give_second_opinion(screening.pk, reviewer=ann, kind="false_positive")
    for label in ("", "insult"):
        with pytest.raises(InvalidDecision, match="do not uphold"):
            give_second_opinion(screening.pk, reviewer=ben, kind="uphold", label=label)
    shown = screening.scorings.get().pk
    row = give_second_opinion(screening.pk, reviewer=ben, kind="uphold", label="insult", shown=shown)
    assert row.labels == {**NOTHING, "insult": True} and row.model_version is not None
    with pytest.raises(InvalidDecision, match="only once"):
        give_second_opinion(screening.pk, reviewer=ben, kind="other_reason", reason="spam")
    Screening.objects.filter(pk=screening.pk).update(text="", blanked=timezone.now())
    with pytest.raises(NoLongerCurrent):
        give_second_opinion(screening.pk, reviewer=User.objects.create_user("cy"), kind="false_positive")


def test_who_gave_a_second_opinion_takes_it_back_and_nothing_else_changes(ann: User, ben: User) -> None:
    screening = screened("you idiot")
    first = decide(screening.pk, reviewer=ann, kind="uphold")
    opinion = give_second_opinion(screening.pk, reviewer=ben, kind="false_positive")
    before, heard = Screening.objects.values().get(pk=screening.pk), []
    signals.screening_undone.connect(lambda **_: heard.append(1), weak=False, dispatch_uid="test")
    try:
        row = undo(opinion.pk, reviewer=ben, note="misread")
    finally:
        signals.screening_undone.disconnect(dispatch_uid="test")
    assert (row.kind, row.number, row.undoes, row.note) == ("undo", 3, opinion, "misread")
    assert Screening.objects.values().get(pk=screening.pk) == before and not heard
    assert decisions.ground_truth(screening) == first
    entry = AuditEntry.objects.get(action="review.opinion_taken_back")
    assert (entry.username, entry.before["review"], entry.after) == ("ben", 2, {"review": 3})
    with pytest.raises(TakenBack):
        undo(opinion.pk, reviewer=ben)
    with pytest.raises(InvalidDecision, match="a second opinion"):
        undo(row.pk, reviewer=ben)
    with pytest.raises(InvalidDecision, match="only once"):  # ben knows the decision by now
        give_second_opinion(screening.pk, reviewer=ben, kind="false_positive")


def test_nobody_else_takes_a_second_opinion_back(ann: User, ben: User, lea: User) -> None:
    screening = screened("you idiot")
    decide(screening.pk, reviewer=ann, kind="uphold")
    opinion = give_second_opinion(screening.pk, reviewer=ben, kind="false_positive")
    for other in (ann, lea):
        assert not may_undo(other, opinion)
        with pytest.raises(NotAllowed, match="somebody else thought"):
            undo(opinion.pk, reviewer=other)
    Screening.objects.filter(pk=screening.pk).update(is_current=False)
    with pytest.raises(NoLongerCurrent):
        undo(opinion.pk, reviewer=ben)
    assert Review.objects.count() == 2


def test_a_second_opinion_taken_back_hides_no_undo_of_the_decision(ann: User, ben: User) -> None:
    screening = screened("you idiot")
    first = decide(screening.pk, reviewer=ann, kind="uphold")
    opinion = give_second_opinion(screening.pk, reviewer=ben, kind="false_positive")
    undone = undo(first.pk, reviewer=ann)
    undo(opinion.pk, reviewer=ben)
    with pytest.raises(TakenBack) as refused:
        decide(screening.pk, reviewer=ben, kind="false_positive", seen_number=1)
    assert refused.value.review == undone


# --- the queue and the API --------------------------------------------------------------------------


def test_the_item_offers_undoing_and_changing_to_who_decided_and_to_leads(version: ModelVersion) -> None:
    screening = screened("you idiot")
    ann, ben = staff("ann", "review_screening"), staff("ben", "review_screening")
    lea = staff("lea", "review_screening", "lead_reviews")
    ann.post(
        f"{QUEUE}{screening.pk}/decide/", {"kind": "uphold", "scoring": str(screening.scorings.get().pk)}
    )
    decision = Review.objects.get()
    address = f"{QUEUE}{screening.pk}/undo/{decision.pk}/"
    for page in ("?state=decided", f"{screening.pk}/change/"):
        assert [address in open_page(client, page) for client in (ann, ben, lea)] == [True, False, True]
        assert 'name="seen_number" value="1"' in open_page(ann, page)
    ben.post(address)
    assert Review.objects.get() == decision
    assert "in the queue again" in lea.post(address, follow=True).content.decode()
    assert state(screening) == ("", "flagged", True, True)
    assert staff("vera", "view_screening").post(address).status_code == 403
    assert lea.post(f"{QUEUE}{screening.pk + 1}/undo/{decision.pk}/").status_code == 404
    assert ann.get(address).status_code == 302 and Review.objects.count() == 2


def test_a_changed_decision_comes_with_the_number_that_the_form_showed(version: ModelVersion) -> None:
    screening = screened("you idiot")
    ann = staff("ann", "review_screening")
    ann.post(f"{QUEUE}{screening.pk}/decide/", {"kind": "uphold", "seen_number": "0"})
    for number in ("", "0", "2", "x"):
        ann.post(f"{QUEUE}{screening.pk}/decide/", {"kind": "false_positive", "seen_number": number})
    assert Review.objects.count() == 1
    ann.post(f"{QUEUE}{screening.pk}/decide/", {"kind": "false_positive", "seen_number": "1"})
    assert state(screening) == ("show", "flagged", False, True)


def test_over_the_api_a_decision_is_corrected_and_taken_back(version: ModelVersion) -> None:
    ann, ben = person("ann", "review_screening"), person("ben", "review_screening")
    screening = screened("you idiot")
    first = post(ann, "reviews/", {"screening": screening.pk, "decision": "uphold", "label": "insult"}).json()
    assert first["labels"] == {**NOTHING, "insult": True}
    given = {"screening": screening.pk, "decision": "false_positive", "seen_number": 1}
    refused = post(ben, "reviews/", given)
    assert problem(refused) == (403, "not_yours") and refused.json()["review"]["id"] == first["id"]
    second = post(ann, "reviews/", given)
    assert (second.status_code, second.json()["number"]) == (201, 2)
    stale = post(ann, "reviews/", given)
    assert problem(stale) == (409, "already_decided") and stale.json()["review"] == second.json()
    undone = f"reviews/{second.json()['id']}/undo/"
    assert problem(post(ben, undone, {})) == (403, "not_yours")
    row = post(ann, undone, {"note": "a slip"})
    assert row.status_code == 201
    assert (row.json()["kind"], row.json()["undoes"], row.json()["note"]) == (
        "undo",
        second.json()["id"],
        "a slip",
    )
    again = post(ann, undone, {})
    assert problem(again) == (409, "taken_back") and again.json()["review"] == row.json()
    detail = get(ann, f"screenings/{screening.pk}/")
    assert detail["outcome"] == "hide" and detail["decision"] == first
    late = post(ann, f"reviews/{first['id']}/undo/", {})
    assert late.status_code == 201 and get(ann, f"screenings/{screening.pk}/")["is_open"]
    moved = post(ann, "reviews/", given)
    assert problem(moved) == (409, "taken_back") and moved.json()["review"] == late.json()


def test_what_is_no_undo_is_refused(version: ModelVersion) -> None:
    ann = person("ann", "review_screening")
    for wrong in ("0", "x", str(2**63), str(2**63 - 1)):
        assert problem(post(ann, f"reviews/{wrong}/undo/", {})) == (404, "not_found")
    screening = screened("you idiot")
    row = decide(screening.pk, reviewer=User.objects.get(username="ann"), kind="uphold")
    assert problem(post(ann, f"reviews/{row.pk}/undo/", {"note": 5})) == (400, "invalid")
    assert problem(ann.get(f"{ROOT}reviews/{row.pk}/undo/"))[0] == 405
    assert problem(post(Client(), f"reviews/{row.pk}/undo/", {}))[0] in (401, 403)
    assert problem(post(person("vera", "view_screening"), f"reviews/{row.pk}/undo/", {}))[0] == 403
    assert Review.objects.count() == 1


def test_one_of_several_labels_is_upheld_by_a_button_of_its_own(version: ModelVersion) -> None:
    screening, ann = screened("you idiot"), staff("ann", "review_screening")
    page = ann.get(QUEUE).content.decode()
    assert 'name="picked" value="toxic"' in page and 'name="picked" value="threat"' not in page
    shown = str(screening.scorings.get().pk)
    said = {"picked": "insult", "shown": LABELS, "label": ["toxic", "insult"], "scoring": shown}
    ann.post(f"{QUEUE}{screening.pk}/decide/", {**said, "seen_number": "0"})
    review = Review.objects.get()
    assert (review.decision, review.labels) == ("uphold", {"toxic": None, "threat": None, "insult": True})
