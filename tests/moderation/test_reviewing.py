"""What a decision writes, shows and hides, and that one decision is made once."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, connections, transaction

from moderation import signals
from moderation.models import AuditEntry, ModelVersion, Review, Screening
from moderation.review import decisions, reasons
from moderation.review.decisions import AlreadyDecided, InvalidDecision, NoLongerCurrent, decide
from tests.forum.models import Post
from tests.moderation.conftest import make_version, screen

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


def screened(text: str) -> Screening:
    """A post with this text, scored: held with "kill", flagged with "idiot", else clear."""
    post = Post.objects.create(body=text)
    screen()
    return Screening.objects.get(object_id=str(post.pk), is_current=True)


def is_visible(screening: Screening) -> bool:
    return Post.objects.get(pk=screening.object_id).is_visible


def test_upholding_makes_the_labels_over_threshold_true_and_leaves_the_rest_open(
    version: ModelVersion, ann: User
) -> None:
    screening = screened("you idiot")
    assert is_visible(screening)
    review = decide(screening.pk, reviewer=ann, kind="uphold", note="rude")
    assert review.labels == {"toxic": True, "threat": None, "insult": True}
    assert (review.number, review.outcome, review.model_version) == (1, "hide", version)
    assert (review.reviewer, review.reviewer_name, review.note) == (ann, "ann", "rude")
    screening.refresh_from_db()
    assert (screening.outcome, screening.verdict) == ("hide", "flagged")
    assert screening.reviewed is not None and screening.hidden_by_us
    assert not is_visible(screening)
    assert not Screening.objects.open().exists()


def test_a_false_positive_makes_every_label_false_and_shows_what_we_hid(
    version: ModelVersion, ann: User
) -> None:
    screening = screened("I could kill for a coffee")
    assert not is_visible(screening)
    review = decide(screening.pk, reviewer=ann, kind="false_positive")
    assert review.labels == {"toxic": False, "threat": False, "insult": False}
    assert is_visible(screening)
    screening.refresh_from_db()
    assert (screening.outcome, screening.hidden_by_us) == ("show", False)


def test_what_the_site_hid_itself_stays_hidden_after_a_false_positive(
    version: ModelVersion, ann: User
) -> None:
    screening = screened("you idiot")
    Post.objects.filter(pk=screening.object_id).update(is_visible=False)
    decide(screening.pk, reviewer=ann, kind="false_positive")
    assert not is_visible(screening)


@pytest.mark.parametrize(
    ("ticked", "outcome"), [({"threat"}, "hide"), ({"toxic", "insult"}, "hide"), (set(), "show")]
)
def test_relabelling_takes_every_label_as_ticked(
    version: ModelVersion, ann: User, ticked: set[str], outcome: str
) -> None:
    screening = screened("you idiot")
    labels = {label: label in ticked for label in version.labels}
    review = decide(screening.pk, reviewer=ann, kind="relabel", labels=labels)
    assert (review.labels, review.outcome) == (labels, outcome)
    assert is_visible(screening) == (outcome == "show")


@pytest.mark.parametrize(
    "labels", [None, {}, {"toxic": True}, {"toxic": True, "threat": True, "insult": True, "rude": True}]
)
def test_relabelling_without_each_label_is_refused_and_changes_nothing(
    version: ModelVersion, ann: User, labels: Any
) -> None:
    screening = screened("you idiot")
    with pytest.raises(InvalidDecision, match="toxic, threat, insult"):
        decide(screening.pk, reviewer=ann, kind="relabel", labels=labels)
    assert not Review.objects.exists() and Screening.objects.open().get() == screening


def test_hiding_for_another_reason_hides_and_says_nothing_of_any_label(
    version: ModelVersion, ann: User
) -> None:
    screening = screened("buy cheap watches")  # clear, and never queued
    review = decide(screening.pk, reviewer=ann, kind="other_reason", reason="spam", note="third time")
    assert (review.outcome, review.reason, review.note) == ("hide", "spam", "third time")
    assert review.labels == {"toxic": None, "threat": None, "insult": None}
    assert not is_visible(screening)
    entry = AuditEntry.objects.get(action="review.decided")
    assert entry.after == {"outcome": "hide", "decision": "other_reason", "review": 1, "reason": "spam"}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("other_reason", ""), ("other_reason", "rude"), ("uphold", "spam"), ("false_positive", "spam")],
)
def test_a_reason_goes_with_another_reason_alone_and_has_to_be_known(
    version: ModelVersion, ann: User, kind: str, reason: str
) -> None:
    screening = screened("you idiot")
    with pytest.raises(InvalidDecision, match="eason"):
        decide(screening.pk, reviewer=ann, kind=kind, reason=reason)
    assert not Review.objects.exists() and is_visible(screening)


def test_a_site_has_reasons_of_its_own_and_may_drop_others(
    version: ModelVersion, ann: User, settings: Any
) -> None:
    own = {"advert": "Advertising", "illegal": None}
    settings.MODERATION = {**settings.MODERATION, "HIDE_REASONS": own}
    assert list(reasons.reasons()) == ["spam", "off_topic", "private_data", "advert"]
    assert decide(screened("a").pk, reviewer=ann, kind="other_reason", reason="advert").reason == "advert"
    with pytest.raises(InvalidDecision, match="advert"):
        decide(screened("b").pk, reviewer=ann, kind="other_reason", reason="illegal")
    assert (reasons.label_of("advert"), reasons.label_of("illegal")) == ("Advertising", "illegal")
    assert reasons.label_of("an_old_one") == "an old one"


def test_the_database_refuses_a_reason_without_its_decision(version: ModelVersion, ann: User) -> None:
    common: dict[str, Any] = {"screening": screened("a"), "number": 1, "outcome": "hide"}
    for wrong in ({"decision": "uphold", "reason": "spam"}, {"decision": "other_reason", "reason": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Review.objects.create(**common, **wrong)


def test_an_unknown_kind_and_an_unknown_screening_are_refused(version: ModelVersion, ann: User) -> None:
    screening = screened("you idiot")
    with pytest.raises(InvalidDecision, match="no such decision"):
        decide(screening.pk, reviewer=ann, kind="banish")
    with pytest.raises(Screening.DoesNotExist):
        decide(screening.pk + 1, reviewer=ann, kind="uphold")


def test_a_clear_text_has_nothing_to_uphold_but_can_be_relabelled(version: ModelVersion, ann: User) -> None:
    screening = screened("a veiled insult")
    with pytest.raises(InvalidDecision, match="nothing to uphold"):
        decide(screening.pk, reviewer=ann, kind="uphold")
    labels = {"toxic": True, "threat": False, "insult": True}
    assert decide(screening.pk, reviewer=ann, kind="relabel", labels=labels).outcome == "hide"
    assert not is_visible(screening)


@pytest.mark.parametrize(
    ("kind", "outcome", "labels"),
    [
        ("uphold", "hide", {"toxic": None, "threat": None, "insult": None}),
        ("false_positive", "show", {"toxic": False, "threat": False, "insult": False}),
    ],
)
def test_what_the_model_failed_on_is_judged_without_scores(
    version: ModelVersion, ann: User, kind: str, outcome: str, labels: dict[str, bool | None]
) -> None:
    post = Post.objects.create(body="unreadable")
    Screening.objects.update(status="failed", queued_for="failed", error_code="killed-worker")
    screening = Screening.objects.get(object_id=str(post.pk))
    review = decide(screening.pk, reviewer=ann, kind=kind)
    assert (review.outcome, review.labels, review.model_version) == (outcome, labels, None)
    assert is_visible(screening) == (outcome == "show")


def test_the_second_decision_is_refused_and_says_who_was_first(version: ModelVersion, ann: User) -> None:
    screening = screened("you idiot")
    decide(screening.pk, reviewer=ann, kind="false_positive")
    with pytest.raises(AlreadyDecided) as refused:
        decide(screening.pk, reviewer=User.objects.create_user("ben"), kind="uphold")
    assert (refused.value.who, refused.value.outcome) == ("ann", "show")
    assert refused.value.when == Review.objects.get().created
    assert is_visible(screening)


def test_an_edited_text_is_not_judged_by_its_old_words(version: ModelVersion, ann: User) -> None:
    screening = screened("you idiot")
    post = Post.objects.get(pk=screening.object_id)
    post.body = "you are right"
    post.save()
    with pytest.raises(NoLongerCurrent):
        decide(screening.pk, reviewer=ann, kind="uphold")
    assert not Review.objects.exists()


def test_a_decision_outlives_a_late_result(version: ModelVersion, ann: User) -> None:
    post = Post.objects.create(body="I will kill you")
    screening = Screening.objects.get(object_id=str(post.pk))
    decide(screening.pk, reviewer=ann, kind="false_positive")
    screen()
    screening.refresh_from_db()
    assert (screening.verdict, screening.outcome) == ("held", "show")
    assert is_visible(screening)


def test_the_decision_stands_in_the_audit_trail_without_text(version: ModelVersion, ann: User) -> None:
    screening = screened("I will kill you")
    decide(screening.pk, reviewer=ann, kind="uphold")
    entry = AuditEntry.objects.get(action="review.decided")
    assert (entry.username, entry.target_id) == ("ann", str(screening.pk))
    assert entry.before == {"outcome": "", "hidden_by_us": True}
    assert entry.after == {"outcome": "hide", "decision": "uphold", "review": 1}


def test_a_site_hears_of_the_decision_after_the_commit_and_cannot_break_it(
    version: ModelVersion, ann: User, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[tuple[Screening, Review]] = []

    def listen(screening: Screening, review: Review, **_: Any) -> None:
        heard.append((screening, review))
        raise RuntimeError("the site's own fault")

    signals.screening_reviewed.connect(listen)
    try:
        screening = screened("you idiot")
        with django_capture_on_commit_callbacks(execute=True):
            review = decide(screening.pk, reviewer=ann, kind="uphold")
            assert heard == []
    finally:
        signals.screening_reviewed.disconnect(listen)
    assert heard == [(screening, review)]


def test_ground_truth_is_the_highest_decision_that_is_not_undone(version: ModelVersion, ann: User) -> None:
    screening = screened("you idiot")
    first = decide(screening.pk, reviewer=ann, kind="uphold")
    assert decisions.ground_truth(screening) == first
    common: dict[str, Any] = {"screening": screening, "reviewer_name": "ann"}
    Review.objects.create(**common, number=2, kind="undo", undoes=first)
    assert decisions.ground_truth(screening) is None
    third = Review.objects.create(
        **common, number=3, kind="decision", decision="false_positive", outcome="show"
    )
    fourth = Review.objects.create(**common, number=4, kind="decision", decision="relabel", outcome="hide")
    Review.objects.create(**common, number=5, kind="second_opinion", decision="uphold", outcome="hide")
    assert decisions.ground_truth(screening) == fourth
    other = screened("another idiot")
    elsewhere = decide(other.pk, reviewer=ann, kind="uphold")
    assert set(decisions.standing_decisions()) == {fourth, elsewhere}
    Review.objects.create(**common, number=6, kind="undo", undoes=fourth)
    assert decisions.ground_truth(screening) == third


@pytest.mark.django_db(transaction=True)
def test_of_two_moderators_on_one_item_one_decides_and_the_other_is_told() -> None:
    make_version("1", is_active=True)
    screenings = [screened(f"idiot number {number}") for number in range(5)]
    people = [User.objects.create_user(name) for name in ("ann", "ben")]
    answers: dict[str, list[str]] = {"ann": [], "ben": []}
    start = threading.Barrier(2)

    def judge(person: User, kind: str) -> None:
        try:
            for screening in screenings:
                start.wait(timeout=20)
                try:
                    decide(screening.pk, reviewer=person, kind=kind)
                    answers[person.username].append("decided")
                except AlreadyDecided as refused:
                    answers[person.username].append(f"refused for {refused.who}")
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=judge, args=(person, kind))
        for person, kind in zip(people, ("uphold", "false_positive"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for of_ann, of_ben in zip(answers["ann"], answers["ben"], strict=True):
        assert {of_ann, of_ben} in ({"decided", "refused for ann"}, {"decided", "refused for ben"})
    assert len(answers["ann"]) == len(screenings)
    for screening in screenings:
        review = Review.objects.get(screening=screening)
        screening.refresh_from_db()
        assert screening.outcome == review.outcome
        assert is_visible(screening) == (review.outcome == "show")
    assert AuditEntry.objects.filter(action="review.decided").count() == len(screenings)
    connection.close()
