"""Deleted objects: their copies are blanked after the commit, all of a transaction together."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from moderation.discovery.search import remember_starts
from moderation.models import ModelVersion, Screening
from moderation.screening import deletions, receivers
from moderation.worker.sweep import sweep
from tests.forum.models import LongPost, Note, Post
from tests.moderation.conftest import load_by_words, screen

pytestmark = [pytest.mark.regression("M15"), pytest.mark.django_db(transaction=True)]


def _with_text() -> int:
    return Screening.objects.exclude(text="").count()


def _queries_of_deleting(count: int) -> int:
    Post.objects.all().delete()
    Screening.objects.all().delete()
    for number in range(count):
        Post.objects.create(body=f"hello {number}")
    screen()
    with CaptureQueriesContext(connection) as queries:
        Post.objects.all().delete()
    assert _with_text() == 0
    assert not Screening.objects.filter(is_current=True).exists()
    return len(queries)


def test_deleting_costs_a_constant_number_of_queries_for_each_chunk(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "CHUNK", 100)
    few, many = _queries_of_deleting(20), _queries_of_deleting(90)
    assert many - few <= 2  # Django's own batches of keys
    three_chunks = _queries_of_deleting(290)
    # two chunks more, with the words of readers, authors and moderators
    assert three_chunks - many <= 2 * 11


def test_rolled_back_deletion_blanks_nothing(version: ModelVersion) -> None:
    kept, gone = Post.objects.create(body="kept"), Post.objects.create(body="gone")
    keys = {name: str(post.pk) for name, post in (("kept", kept), ("gone", gone))}
    with transaction.atomic():
        gone.delete()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            kept.delete()
            raise ZeroDivisionError
    assert Screening.objects.get(object_id=keys["kept"]).text == "kept"
    assert Screening.objects.get(object_id=keys["gone"]).blanked
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Post.objects.all().delete()
        raise ZeroDivisionError
    assert Screening.objects.get(object_id=keys["kept"]).is_current


def test_key_that_is_given_again_in_the_same_transaction_starts_anew(version: ModelVersion) -> None:
    Post.objects.create(pk=5, body="you idiot")
    screen()
    with transaction.atomic():
        Post.objects.get(pk=5).delete()
        Post.objects.create(pk=5, body="you idiot")
    first, second = Screening.objects.filter(object_id="5").order_by("id")
    assert (first.is_current, bool(first.blanked)) == (False, True)
    assert (second.is_current, second.text, second.status) == (True, "you idiot", "pending")


def test_deletion_that_a_savepoint_by_hand_takes_back_blanks_nothing(version: ModelVersion) -> None:
    """Django knows nothing of such a savepoint, and calls what waits for the commit all the same."""
    post = Post.objects.create(body="you idiot")
    screen()
    with transaction.atomic():
        before = transaction.savepoint()
        Post.objects.get(pk=post.pk).delete()
        transaction.savepoint_rollback(before)
    kept = Screening.objects.get()
    assert (kept.text, kept.is_current, kept.verdict) == ("you idiot", True, "flagged")


def test_object_whose_key_comes_back_only_in_a_savepoint_is_blanked(version: ModelVersion) -> None:
    post = Post.objects.create(body="hello")
    with transaction.atomic():
        Post.objects.get(pk=post.pk).delete()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            Post.objects.create(pk=post.pk, body="hello again")
            raise ZeroDivisionError
    assert _with_text() == 0
    assert not Screening.objects.filter(is_current=True).exists()


def test_child_that_goes_without_its_parent_blanks_nothing(version: ModelVersion) -> None:
    LongPost.objects.create(body="hello").delete(keep_parents=True)
    assert Post.objects.get().body == "hello"
    assert Screening.objects.get().is_current


def test_cascades_and_children_are_gathered_too(version: ModelVersion, django_user_model: Any) -> None:
    author = django_user_model.objects.create_user("author")
    LongPost.objects.create(body="a child", author=author)
    Note.objects.create(text="another model")
    with transaction.atomic():
        LongPost.objects.all().delete()
        Note.objects.all().delete()
    assert _with_text() == 0


def test_site_that_commits_by_itself_has_its_copies_blanked_at_once(version: ModelVersion) -> None:
    Post.objects.create(body="hello")
    losses = receivers.losses()
    transaction.set_autocommit(False)
    try:
        Post.objects.get().delete()
        transaction.commit()
        assert _with_text() == 0  # many such sites never let Django commit
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert receivers.losses() == losses


def test_compare_makes_up_for_a_process_that_died_after_the_commit(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "COMPARE_HOURS": 0}
    remember_starts()
    Post.objects.create(body="hello")
    monkeypatch.setattr(deletions._Gathered, "__call__", lambda gathered: None)
    Post.objects.all().delete()
    assert _with_text() == 1
    sweep(load=load_by_words)
    assert _with_text() == 0
