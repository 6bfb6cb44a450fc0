"""Authors are told what became of their texts, and may ask once that somebody else looks at it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from moderation import retention, signals
from moderation.models import Review, Screening, SecondLook
from moderation.review.decisions import AS_BEFORE, InvalidDecision, NotAllowed, OwnDecision, decide, undo
from moderation.review.notices import Notice, State, notice_for
from moderation.review.second_looks import CannotAsk, ask_for_second_look
from moderation.visibility import release
from tests.forum.models import Note, Post
from tests.moderation.conftest import LABELS, screen
from tests.moderation.test_queue import QUEUE, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]
TICKED = {"toxic": False, "threat": True, "insult": False}
WORDS = "I was quoting somebody."


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def ben() -> User:
    return User.objects.create_user("ben")


def screening_of(post: Any) -> Screening:
    return Screening.objects.get(object_id=str(post.pk), is_current=True)


def hidden(by: User, text: str = "you idiot", **how: Any) -> Post:
    post = Post.objects.create(body=text)
    screen()
    decide(screening_of(post).pk, reviewer=by, **(how or {"kind": "uphold"}))
    return post


def ask(post: Post, words: str = WORDS) -> SecondLook:
    return ask_for_second_look(screening_of(post).pk, words)


def told(post: Any) -> Notice:
    notice = notice_for(post)
    assert notice is not None
    return notice


def is_visible(post: Post) -> bool:
    return Post.objects.values_list("is_visible", flat=True).get(pk=post.pk)


def test_an_author_is_told_that_a_text_waits() -> None:
    pending = Post.objects.create(body="fine words")
    held = Post.objects.create(body="I kill you")
    assert told(pending).state == State.WAITS
    screen()
    assert notice_for(pending) is None  # it is public, and always was but for a moment
    assert told(held).state == State.WAITS and not told(held).may_ask


def test_nothing_is_told_of_a_flagged_text_that_is_public() -> None:
    post = Post.objects.create(body="you idiot")
    screen()
    assert notice_for(post) is None


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"kind": "uphold"}, "how it is worded"),
        (
            {"kind": "relabel", "labels": {"toxic": False, "threat": True, "insult": False}},
            "how it is worded",
        ),
        ({"kind": "other_reason", "reason": "spam"}, "spam"),
        ({"kind": "other_reason", "reason": "private_data"}, "private data"),
        ({"kind": "other_reason", "reason": "spoiler"}, "tells the end"),
    ],
)
def test_an_author_is_told_why_without_what_the_model_said(
    ann: User, settings: Any, how: dict[str, Any], words: str
) -> None:
    settings.MODERATION = {**settings.MODERATION, "HIDE_REASONS": {"spoiler": "tells the end"}}
    notice = told(hidden(ann, **how))
    assert notice.state == State.HIDDEN and notice.may_ask
    assert words in notice.sentence
    assert not any(label in notice.sentence for label in (*LABELS, "ann"))


def test_an_author_is_told_when_it_is_shown_after_all(ann: User) -> None:
    post = Post.objects.create(body="I kill you")
    screen()
    decide(screening_of(post).pk, reviewer=ann, kind="false_positive")
    assert told(post).state == State.SHOWN


def test_what_the_site_released_is_told_as_shown(ann: User) -> None:
    post = Post.objects.create(body="I kill you")
    screen()
    release(Post.objects.get(pk=post.pk), user=ann)
    assert told(post).state == State.SHOWN


def test_a_second_look_waits_and_the_text_stays_hidden(ann: User) -> None:
    post = hidden(ann)
    look = ask(post)
    row = screening_of(post)
    assert list(Screening.objects.asked_again()) == [row]
    assert (row.outcome, look.words, look.settled) == ("hide", WORDS, None)
    assert not is_visible(post)
    assert told(post).is_asked and not told(post).may_ask


def test_it_is_asked_for_once(ann: User, ben: User) -> None:
    post = hidden(ann)
    ask(post)
    with pytest.raises(CannotAsk):
        ask(post)
    decide(screening_of(post).pk, reviewer=ben, kind=AS_BEFORE, seen_number=1)
    with pytest.raises(CannotAsk):
        ask(post)
    assert SecondLook.objects.count() == 1 and not told(post).may_ask


def test_it_can_not_be_asked_for_where_no_person_hid_the_text(ann: User) -> None:
    held = Post.objects.create(body="I kill you")
    screen()
    shown = Post.objects.create(body="you idiot")
    screen()
    decide(screening_of(shown).pk, reviewer=ann, kind="false_positive")
    edited = hidden(ann)
    old = screening_of(edited).pk
    edited = Post.objects.get(pk=edited.pk)
    edited.body = "other words"
    edited.save()
    for key in (screening_of(held).pk, screening_of(shown).pk, old, screening_of(edited).pk):
        with pytest.raises(CannotAsk):
            ask_for_second_look(key, WORDS)
    assert not SecondLook.objects.exists()


def test_who_decided_does_not_give_it(ann: User, ben: User) -> None:
    ann.is_superuser = True
    ann.save()
    post = hidden(ann)
    ask(post)
    for kind in ("false_positive", AS_BEFORE):
        with pytest.raises(OwnDecision):
            decide(screening_of(post).pk, reviewer=ann, kind=kind, seen_number=1)
    assert Review.objects.count() == 1
    decide(screening_of(post).pk, reviewer=ben, kind="uphold", seen_number=1)
    assert not Screening.objects.asked_again().exists()


def test_another_moderator_says_the_same(ann: User, ben: User) -> None:
    post = hidden(ann, kind="other_reason", reason="spam")
    look, before = ask(post), Review.objects.get()
    review = decide(screening_of(post).pk, reviewer=ben, kind=AS_BEFORE, note="no", seen_number=1)
    assert (review.number, review.kind, review.reviewer, review.note) == (2, "decision", ben, "no")
    for name in ("decision", "labels", "outcome", "reason"):
        assert getattr(review, name) == getattr(before, name)
    look.refresh_from_db()
    assert look.answer == review and not look.is_changed
    assert not Screening.objects.asked_again().exists() and not is_visible(post)
    assert "it stays hidden" in told(post).sentence


def test_another_moderator_shows_it(ann: User, ben: User, django_capture_on_commit_callbacks: Any) -> None:
    post, heard = hidden(ann), []
    ask(post)

    def listen(second_look: SecondLook, **_: Any) -> None:
        heard.append((second_look.is_changed, second_look.answer.reviewer if second_look.answer else None))

    signals.second_look_settled.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            decide(screening_of(post).pk, reviewer=ben, kind="false_positive", seen_number=1)
    finally:
        signals.second_look_settled.disconnect(listen)
    assert heard == [(True, ben)]
    assert is_visible(post) and told(post).state == State.SHOWN


def test_an_answer_that_is_taken_back_lets_the_author_wait_again(ann: User, ben: User) -> None:
    post = hidden(ann)
    ask(post)
    review = decide(screening_of(post).pk, reviewer=ben, kind="false_positive", seen_number=1)
    undo(review.pk, reviewer=ben)
    assert list(Screening.objects.asked_again()) == [screening_of(post)]
    assert not is_visible(post) and told(post).is_asked


def test_a_decision_that_is_taken_back_leaves_nothing_to_look_at_again(ann: User) -> None:
    """With one moderator alone, too: the text waits like any other, and whoever comes may decide."""
    post = hidden(ann)
    look = ask(post)
    undone = undo(screening_of(post).reviews.get().pk, reviewer=ann)
    look.refresh_from_db()
    row = screening_of(post)
    assert (look.answer, row.second_look, row.outcome) == (undone, None, "")
    again = decide(row.pk, reviewer=ann, kind="uphold")
    assert again.outcome == "hide" and told(post).may_ask
    item = staff("looker", "view_screening").get(f"{QUEUE}{row.pk}/change/").content.decode()
    assert "the decision was taken back" in item and "the decision stood" not in item


def test_the_end_of_a_second_look_is_told_when_the_decision_is_taken_back(
    ann: User, django_capture_on_commit_callbacks: Any
) -> None:
    post, heard = hidden(ann), []
    ask(post)

    def listen(second_look: SecondLook, **_: Any) -> None:
        heard.append((second_look.is_taken_back, second_look.is_changed))

    signals.second_look_settled.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            undo(Review.objects.get().pk, reviewer=ann)
    finally:
        signals.second_look_settled.disconnect(listen)
    assert heard == [(True, False)]


def test_the_queue_lets_who_decided_take_it_back_while_the_author_waits(ann: User) -> None:
    post = hidden(ann)
    ask(post)
    ann.is_staff = ann.is_superuser = True
    ann.save()
    own, item = Client(), screening_of(post)
    own.force_login(ann)
    undo_address = f"{QUEUE}{item.pk}/undo/{Review.objects.get().pk}/"
    page = own.get(f"{QUEUE}{item.pk}/change/").content.decode()
    assert undo_address in page and "Change the decision" not in page
    own.post(undo_address)
    assert screening_of(post).outcome == "" and not Screening.objects.asked_again().exists()


def test_others_correct_nothing_without_a_second_look(ann: User, ben: User) -> None:
    post = hidden(ann)
    with pytest.raises(NotAllowed):
        decide(screening_of(post).pk, reviewer=ben, kind="false_positive", seen_number=1)
    ben.is_superuser = True
    ben.save()
    with pytest.raises(InvalidDecision):
        decide(screening_of(post).pk, reviewer=User.objects.get(pk=ben.pk), kind=AS_BEFORE, seen_number=1)


def test_words_are_cut_kept_while_it_waits_and_go_with_the_text(ann: User, ben: User, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": 30}
    post = hidden(ann)
    assert len(ask(post, "\0" + "x" * 9000).words) == 2000
    Screening.objects.update(created=timezone.now() - timedelta(days=40))
    assert retention.blank_due() == 0
    decide(screening_of(post).pk, reviewer=ben, kind=AS_BEFORE, seen_number=1)
    assert retention.blank_due() == 1
    assert SecondLook.objects.get().words == ""


def test_a_model_without_hide_has_no_notices(ann: User) -> None:
    assert notice_for(ann) is None
    assert notice_for(Note(text="never saved")) is None


def test_the_queue_lets_others_answer(ann: User) -> None:
    post = hidden(ann)
    ask(post, "<script>alert(1)</script>\u202e")
    own, other, looker = (
        staff("own", "review_screening"),
        staff("other", "review_screening"),
        staff("looker", "view_screening"),
    )
    item = f"{QUEUE}{screening_of(post).pk}/change/"
    page = other.get(f"{QUEUE}?state=second_looks").content.decode()
    assert "It stays hidden" in page and "&lt;script&gt;" in page and "\u202e" not in page
    assert "It stays hidden" not in looker.get(item).content.decode()
    answer = {"kind": AS_BEFORE, "seen_number": "1", "scoring": ""}
    address = f"{QUEUE}{screening_of(post).pk}/decide/"
    assert looker.post(address, answer).status_code == 403
    assert own.get(address).status_code == 302 and Review.objects.count() == 1
    own.force_login(ann)
    ann.is_staff = ann.is_superuser = True
    ann.save()
    page = own.get(item).content.decode()
    assert "somebody else looks at it again" in page and "It stays hidden" not in page
    page = own.post(address, answer, follow=True).content.decode()
    assert "somebody else looks at your decision" in page and Review.objects.count() == 1
    other.post(address, answer)
    assert Review.objects.count() == 2 and not Screening.objects.asked_again().exists()
