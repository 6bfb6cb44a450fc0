"""A site whose reads go to a replica: nothing here that decides something is read from there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from moderation import registry
from moderation.discovery.search import remember_starts
from moderation.models import Discovery, ModelVersion, Review, Scoring, Screening
from moderation.review import decisions
from moderation.versions import store
from moderation.visibility import pending_actions, releasing
from moderation.worker.sweep import sweep
from tests.forum.models import Letter, Note, Post
from tests.moderation.conftest import by_words, load_by_words, make_version, scores_with, screen

pytestmark = pytest.mark.django_db(transaction=True)


class ReadsElsewhere:
    """A replica that is so far behind that any question to it is an error."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True


@pytest.fixture(autouse=True)
def replica(version: ModelVersion, settings: Any) -> Iterator[None]:
    """Reads go to a database of Django's `dummy` engine, which raises whatever it is asked."""
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": 30}
    remember_starts()
    ContentType.objects.clear_cache()
    connections.settings["replica"] = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.dummy",
    }
    assert connections["replica"].vendor == "unknown"
    settings.DATABASE_ROUTERS = ["tests.moderation.test_replicas.ReadsElsewhere"]
    yield
    settings.DATABASE_ROUTERS = []
    del connections["replica"]
    del connections.settings["replica"]


def only() -> Screening:
    return Screening.objects.get(is_current=True)


def state() -> str:
    return Note.objects.using("default").get().state


def test_the_router_of_this_test_does_send_reads_there() -> None:
    with pytest.raises(ImproperlyConfigured):
        Note.objects.count()


def test_objects_are_read_where_they_are_written_unless_a_database_is_named() -> None:
    note = Note.objects.create(text="hello")
    entry = registry.get("forum.Note")
    assert entry is not None
    assert entry.objects().get() == note
    assert entry.objects("default").get() == note
    with pytest.raises(ImproperlyConfigured):
        entry.objects("replica").count()


def test_comments_are_enqueued_scored_hidden_and_judged_without_it() -> None:
    note = Note.objects.create(text="I kill you")
    Post.objects.create(body="hello")
    Letter.objects.create(text="I kill you")
    assert screen().verdicts == {"held": 2, "clear": 1}
    assert state() == "withheld"
    assert Letter.objects.using("default").get().is_withdrawn is True
    held = Screening.objects.get(object_id=str(note.pk))
    ann = User.objects.create_user("ann")
    decisions.decide(held.pk, reviewer=ann, kind="false_positive")
    assert state() == "published"
    assert Review.objects.count() == 1
    note.text = "edited"
    note.save()
    assert screen().scored == 1
    note.delete()
    assert Screening.objects.filter(object_id=str(held.object_id)).exclude(text="").count() == 0


def test_sweeps_find_compare_act_and_blank_without_it() -> None:
    Post.objects.bulk_create([Post(body="found")])
    Letter.objects.bulk_create([Letter(text="I kill you", refuses=True)])
    done = sweep(load=load_by_words)
    assert (done.found.new, done.drained.scored) == (2, 2)
    Letter.objects.using("default").update(refuses=False)
    Screening.objects.update(action_until=None)
    Post.objects.using("default").update(body="you idiot")
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    done = sweep(load=load_by_words)
    # The letter is withdrawn, and the post hidden until its new text has a verdict.
    assert (done.found.edited, done.acted, done.drained.scored) == (1, 2, 1)
    Screening.objects.update(created=timezone.now() - timedelta(days=31))
    assert sweep(load=load_by_words).blanked == 1


def test_an_object_that_the_replica_does_not_have_yet_is_not_taken_for_gone() -> None:
    Note.objects.create(text="how nice")
    screen()
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    assert sweep(load=load_by_words).found.gone == 0
    assert only().text == "how nice"


def test_what_is_shown_again_is_hidden_or_released_without_it() -> None:
    Note.objects.create(text="I kill you")
    stale = Note.objects.using("default").get()
    screen()
    stale.save()
    assert state() == "withheld"
    Note.objects.using("default").update(state="published")
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    assert sweep(load=load_by_words).found.shown == 1
    assert state() == "withheld"
    assert releasing.release(stale) is True
    assert pending_actions.due(9) == []
    assert state() == "published"


def test_long_runs_and_acting_on_them_go_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("hello", "you idiot"):
        Note.objects.create(text=text)
    screen()
    Letter.objects.bulk_create([Letter(text="was there before")])
    make_version("2")
    scores_with(monkeypatch, by_words)
    for arguments in (("--model", "test@2", "--act"), ("--existing",), ("--model", "test@2")):
        call_command("rescreen", *arguments, stdout=StringIO())
    assert Scoring.objects.filter(model_version__version="2", is_basis=True).count() == 2
    assert Scoring.objects.filter(model_version__version="2").count() == 3
    assert Screening.objects.filter(text="was there before", status="done").exists()


def test_the_active_version_is_not_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_version("2")
    monkeypatch.setattr(store, "local_directory", lambda version: None)
    assert store.activate(other).is_active is True
    assert store.active_version() == other
