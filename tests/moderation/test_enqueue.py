"""Enqueueing: what is saved becomes a pending screening, and no save fails of it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.db import DataError, OperationalError, connection, transaction
from django.db.models import Value
from django.db.models.functions import Concat

from moderation.models import ModelVersion, Screening
from moderation.review.decisions import decide
from moderation.screening import enqueue, receivers, snapshots
from tests.forum.models import Letter, LongPost, Note, Post, ShoutedPost
from tests.moderation.conftest import screen

pytestmark = pytest.mark.django_db


def screenings(of: object) -> list[Screening]:
    """Of one object, the newest first; looked up as a post where it is a child or a proxy of one."""
    model = Post if isinstance(of, Post) else type(of)
    rows = Screening.objects.filter(content_type=ContentType.objects.get_for_model(model))
    return list(rows.filter(object_id=str(of.pk)).order_by("-id"))  # type: ignore[attr-defined]


def test_a_saved_text_is_enqueued() -> None:
    author = get_user_model().objects.create_user("mia")
    post = Post.objects.create(body="hello there", author=author)
    (screening,) = screenings(post)
    assert (screening.text, screening.field, screening.source) == ("hello there", "body", "object")
    assert (screening.status, screening.is_current, screening.verdict) == ("pending", True, "")
    assert screening.author_key == str(author.pk)
    assert len(screening.text_key) == 64


@pytest.mark.parametrize("model", [LongPost, ShoutedPost])
def test_children_and_proxies_are_enqueued_as_what_is_registered(model: type[Post]) -> None:
    post = model.objects.create(body="hello")
    (screening,) = screenings(post)
    assert screening.content_type == ContentType.objects.get_for_model(Post)


def test_a_key_that_is_no_number() -> None:
    note = Note.objects.create(text="hello")
    (screening,) = screenings(note)
    assert screening.object_id == str(note.pk)


def test_missing_and_empty_texts_are_enqueued_as_empty() -> None:
    for body in (None, ""):
        (screening,) = screenings(Post.objects.create(body=body))
        assert screening.text == ""


def test_a_text_given_as_an_expression_is_read_back() -> None:
    post = Post(body=Concat(Value("hello "), Value("there")))
    post.save()
    (screening,) = screenings(post)
    assert screening.text == "hello there"


@pytest.mark.parametrize(
    "text", [" ", "\u202eolleh", "a" + "\u0301" * 10_000, "😀", "<script>alert(1)</script>", "x" * 1_000_000]
)
def test_whatever_the_database_accepts_is_enqueued_as_it_is(text: str) -> None:
    (screening,) = screenings(Post.objects.create(body=text))
    screening.refresh_from_db()
    assert screening.text == text


def test_nul_is_refused_by_the_database_or_enqueued_visibly() -> None:
    if connection.vendor == "postgresql":
        with pytest.raises(DataError, match="NUL"), transaction.atomic():
            Post.objects.create(body="a\0b")
        assert not Screening.objects.exists()
    else:
        (screening,) = screenings(Post.objects.create(body="a\0b"))
        assert screening.text == "a\u2400b"


def test_a_lone_surrogate_is_refused_by_the_database_as_before() -> None:
    with pytest.raises(UnicodeEncodeError), transaction.atomic():
        Post.objects.create(body="a\ud800b")
    assert not Screening.objects.exists()


def test_fixtures_are_left_to_discovery() -> None:
    data = serializers.serialize("json", [Post(pk=7, body="hello")])
    for loaded in serializers.deserialize("json", data):
        loaded.save()
    assert Post.objects.filter(pk=7).exists()
    assert not Screening.objects.exists()


def test_an_unchanged_text_saved_again_makes_no_new_screening() -> None:
    post = Post.objects.create(body="hello")
    post.likes = 3
    post.save()
    post.save(update_fields=["likes"])
    Post.objects.defer("body").get(pk=post.pk).save()
    assert len(screenings(post)) == 1


def test_saving_other_fields_only_does_not_enqueue_a_text_that_was_not_saved() -> None:
    post = Post.objects.create(body="hello")
    post.body, post.likes = "never saved", 1
    post.save(update_fields=["likes"])
    assert [screening.text for screening in screenings(post)] == ["hello"]


def test_an_edit_makes_a_new_current_screening_and_ends_the_pending_one() -> None:
    post = Post.objects.create(body="one")
    post.body = "two"
    post.save()
    new, old = screenings(post)
    assert (new.text, new.is_current, new.status) == ("two", True, "pending")
    assert (old.text, old.is_current, old.status) == ("one", False, "superseded")


def test_an_edit_keeps_the_verdict_of_the_earlier_text() -> None:
    post = Post.objects.create(body="one")
    Screening.objects.update(status="done", verdict="flagged", queued_for="flagged")
    post.body = "two"
    post.save()
    new, old = screenings(post)
    assert (old.status, old.verdict, old.is_current) == ("done", "flagged", False)
    assert (new.queued_for, new.verdict) == ("", "")


def test_a_rolled_back_save_leaves_no_screening() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        Post.objects.create(body="hello")
        raise RuntimeError
    assert not Screening.objects.exists()


def test_a_save_survives_an_error_of_ours_and_the_transaction_stays_usable(
    caplog: pytest.LogCaptureFixture,
) -> None:
    losses = receivers.losses()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE moderation_screening RENAME TO elsewhere")
        post = Post.objects.create(body="a secret text")
        post.body = "another secret text"
        post.save()
        post.delete()
        kept = Post.objects.create(body="a third secret text")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO moderation_screening")
    assert Post.objects.get() == kept
    assert receivers.losses() == losses + 3  # the deletion is looked after once it is committed
    assert "moderation.promise-lost" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_lost_promise_is_made_up_for_right_after_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post.objects.create(body="before")
    tries: list[Any] = []

    def failing_once(*args: Any, **options: Any) -> Screening | None:
        tries.append(options)
        if len(tries) == 1:
            raise OperationalError("deadlock detected")
        return enqueue.enqueue(*args, **options)

    monkeypatch.setattr(receivers, "enqueue", failing_once)
    losses = receivers.losses()
    with transaction.atomic():
        post.body = "after"
        post.save()
        assert [row.text for row in screenings(of=post)] == ["before"]
    assert receivers.losses() == losses + 1
    assert [row.text for row in screenings(of=post) if row.is_current] == ["after"]


def test_an_edit_inherits_what_was_decided_while_it_was_being_saved(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Note.objects.create(text="you idiot")
    screen()
    as_read = [Screening.objects.get()]
    moderator = get_user_model().objects.create_user("moderator")
    decide(as_read[0].pk, reviewer=moderator, kind="uphold")
    Note.objects.update(state="published")  # as if it had found the row locked by the save

    def current_of(*which: Any) -> Screening | None:
        return as_read.pop() if as_read else snapshots.current_of(*which)

    monkeypatch.setattr(enqueue, "current_of", current_of)
    note.text = "after"
    note.save()
    assert as_read == []
    current = Screening.objects.get(is_current=True)
    assert (current.text, current.queued_for, current.hidden_by_us) == ("after", "edited", True)
    assert Note.objects.get().state == "withheld"
    assert note.state == "withheld"


def test_an_exempt_author_is_left_alone_but_the_edit_of_a_screened_text_is_not() -> None:
    assert screenings(Note.objects.create(text="✓ by the editors")) == []
    note = Note.objects.create(text="by anybody")
    note.text = "✓ by the editors"
    note.save()
    assert len(screenings(note)) == 2


def test_an_exemption_that_raises_exempts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    note = Note.objects.create(text="✗ secret")
    assert len(screenings(note)) == 1
    assert "WillNot" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_deleting_blanks_the_copies_and_takes_them_off_the_queue() -> None:
    post = Post.objects.create(body="one")
    Screening.objects.update(status="done", verdict="flagged", queued_for="flagged", severity=0.4)
    post.body = "two"
    post.save()
    key = post.pk
    post.delete()
    rows = Screening.objects.filter(object_id=str(key)).order_by("id")
    assert [(row.text, row.text_key, row.is_current, row.status) for row in rows] == [
        ("", "", False, "done"),
        ("", "", False, "superseded"),
    ]
    assert all(row.blanked for row in rows)
    assert not Screening.objects.open().exists()
    assert (rows[0].verdict, rows[0].severity) == ("flagged", 0.4)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", [LongPost, ShoutedPost])
def test_deleting_a_child_or_a_proxy_blanks_too(model: type[Post]) -> None:
    post = model.objects.create(body="hello")
    model.objects.filter(pk=post.pk).delete()
    assert Screening.objects.get().blanked


def test_a_key_that_comes_back_starts_anew() -> None:
    Post.objects.create(pk=5, body="one").delete()
    Post.objects.create(pk=5, body="two")
    assert Screening.objects.get(is_current=True).text == "two"


def test_a_created_object_whose_key_has_a_current_screening_gets_a_new_one() -> None:
    Post.objects.create(pk=5, body="one")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM forum_post")
    Post.objects.create(pk=5, body="two")
    assert Screening.objects.get(is_current=True).text == "two"


def test_while_pending_hide_hides_at_save_the_row_and_the_instance_in_hand() -> None:
    post = Post.objects.create(body="hello")
    assert post.is_visible is False
    assert Post.objects.get().is_visible is False
    assert screenings(post)[0].hidden_by_us is True


def test_what_the_site_hid_itself_is_not_ours() -> None:
    post = Post.objects.create(body="hello", is_visible=False)
    assert screenings(post)[0].hidden_by_us is False


def test_while_pending_show_shows() -> None:
    note = Note.objects.create(text="hello")
    assert note.state == "published"
    assert screenings(note)[0].hidden_by_us is False


def _held(model: type[Note] | type[Letter], **columns: object) -> Screening:
    model.objects.create(text="you will be killed")
    screening = Screening.objects.get()
    Screening.objects.update(
        status="done", verdict="held", queued_for="held", severity=0.4, hidden_by_us=True, **columns
    )
    return screening


def test_the_edit_of_a_held_comment_stays_hidden_and_stands_in_the_queue() -> None:
    _held(Note)
    note = Note.objects.get()
    note.text, note.state = "how nice", "published"
    note.save()
    new = Screening.objects.get(is_current=True)
    assert (new.queued_for, new.hidden_by_us, new.status) == ("edited", True, "pending")
    assert Note.objects.get().state == "withheld"
    assert [row.pk for row in Screening.objects.open()] == [new.pk]


def test_the_edit_of_a_comment_that_a_person_hid_stays_hidden_too() -> None:
    _held(Note, outcome="hide")
    note = Note.objects.get()
    note.text = "how nice"
    note.save()
    assert Screening.objects.get(is_current=True).queued_for == "edited"


def test_the_edit_of_a_comment_that_a_person_showed_is_screened_like_any() -> None:
    _held(Note, outcome="show")
    Screening.objects.update(hidden_by_us=False)
    note = Note.objects.get()
    note.text = "how nice"
    note.save()
    new = Screening.objects.get(is_current=True)
    assert (new.queued_for, new.hidden_by_us) == ("", False)


def test_the_edit_of_a_held_comment_waits_for_the_callable_only_if_it_is_not_hidden_yet() -> None:
    _held(Letter)
    letter = Letter.objects.get()
    letter.text = "how nice"
    letter.save()
    assert Screening.objects.get(is_current=True).action_pending is False
    Screening.objects.update(action_pending=True, hidden_by_us=False)
    letter.text = "how very nice"
    letter.save()
    assert Screening.objects.get(is_current=True).action_pending is True


def test_logging_names_objects_not_texts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "moderation")
    Post.objects.create(body="a secret text").delete()
    assert "secret" not in caplog.text
