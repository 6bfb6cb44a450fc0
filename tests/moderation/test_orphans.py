"""What an older registration hid: it is told, decisions still find it, and a command mends it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from moderation import registry
from moderation.audit import Action
from moderation.discovery.search import remember_starts
from moderation.models import AuditEntry, Discovery, ModelVersion, Screening
from moderation.monitoring import health
from moderation.monitoring.health import Limits
from moderation.review import decisions
from moderation.screening.receivers import connect
from moderation.worker.sweep import sweep
from tests.forum.models import Letter, LongPost, Note, Post
from tests.moderation.conftest import load_by_words, run_command, screen

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.regression("D3")]
HELD = "I kill you"
POST = {"text": "body", "hide": {"field": "is_visible", "hidden": False}}
BY_LIKES = {"text": "body", "hide": {"field": "likes", "hidden": -1, "visible": 0}}
LETTER = {"text": "text", "hide": {"hide": "tests.forum.rules.withdraw", "show": "tests.forum.rules.publish"}}


@pytest.fixture(autouse=True)
def registered_as_before() -> Iterator[None]:
    """The decorators' registrations, which `register` takes away, are back after each test."""
    decorated = dict(registry._decorated)
    yield
    registry._decorated.update(decorated)
    registry.load_setting()
    connect()


@pytest.fixture(autouse=True)
def start(registered_as_before: None, version: ModelVersion) -> None:
    remember_starts()


def register(settings: Any, **models: dict[str, Any]) -> None:
    """Register models of the forum, and nothing else."""
    registry._decorated.clear()
    named = {f"forum.{name}": given for name, given in models.items()}
    settings.MODERATION = {**settings.MODERATION, "MODELS": named}


@pytest.fixture
def held(settings: Any) -> Post:
    """A post that we hid by `is_visible`."""
    register(settings, Post=POST)
    post = LongPost.objects.create(body=HELD)
    screen()
    assert (Post.objects.get().is_visible, only().hidden_by_us) == (False, True)
    return post


def only() -> Screening:
    return Screening.objects.get(is_current=True)


def finding() -> health.Finding:
    (found,) = [found for found in health.look(Limits(), has_broker=False) if found.part == "hidden"]
    return found


def warnings() -> list[str]:
    return [found.msg for found in run_checks(databases=["default"]) if found.id == "moderation.W004"]


def mend(*options: str) -> str:
    return run_command("moderation_orphans", "--act", *options)


def compare() -> None:
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    sweep(load=load_by_words)


def decide_in_the_queue(kind: str) -> str:
    client = Client()
    client.force_login(User.objects.create_superuser("ann"))
    url = reverse("admin:moderation_screening_decide", args=(only().pk,))
    page = client.post(url, {"kind": kind}, follow=True).content.decode()
    return page[page.index("messagelist") :][:600]


def test_nothing_is_told_while_all_is_as_it_is_registered(held: Post) -> None:
    assert finding().is_well
    assert warnings() == []
    assert "All that is hidden" in run_command("moderation_orphans")
    assert "mended: 0; left: 0" in mend()


@pytest.mark.parametrize(
    "models",
    [
        {"Post": BY_LIKES},
        {"LongPost": {"text": "summary", "hide": {"field": "is_visible", "hidden": False}}},
        {"Post": {"text": "body"}},
        {},
    ],
    ids=["another column", "another model", "never hidden", "not registered"],
)
def test_a_decision_shows_what_was_hidden_under_an_older_registration(
    settings: Any, held: Post, models: dict[str, Any]
) -> None:
    register(settings, **models)
    assert not finding().is_well
    assert "1 object(s) were hidden under an older registration: forum.Post" in finding().says
    assert "forum.Post" in warnings()[0] and "is_visible = False" in warnings()[0]
    assert "is shown" in decide_in_the_queue("false_positive")
    assert (Post.objects.get().is_visible, only().hidden_by_us, only().action_pending) == (True, False, False)
    assert finding().is_well
    assert warnings() == []


def test_the_queue_does_not_say_shown_of_what_can_not_be_shown(settings: Any, held: Post) -> None:
    Screening.objects.update(hidden_by="")  # as an earlier release left it
    register(settings)
    message = decide_in_the_queue("false_positive")
    assert "could not be shown: forum.Post is not registered" in message
    assert "is shown" not in message
    assert (Post.objects.get().is_visible, only().action_pending) == (False, True)
    assert "to be shown by hand" in run_command("moderation_orphans")
    register(settings, Post=POST)
    Screening.objects.update(action_until=None)
    sweep(load=load_by_words)
    assert (Post.objects.get().is_visible, only().action_pending) == (True, False)


@pytest.mark.parametrize("models", [{"Post": {"text": "body"}}, {}], ids=["never hidden", "not registered"])
def test_nor_hidden_of_what_can_not_be_hidden(settings: Any, models: dict[str, Any]) -> None:
    register(settings, Post={"text": "body"})
    Post.objects.create(body=HELD)
    screen()
    register(settings, **models)
    assert "could not be hidden: forum.Post is " in decide_in_the_queue("uphold")
    assert Post.objects.get().is_visible is True


def test_what_is_hidden_by_another_column_now_is_moved(settings: Any, held: Post) -> None:
    register(settings, Post=BY_LIKES)
    counted = run_command("moderation_orphans")
    assert "forum.Post, hidden by is_visible = False: 1, to be hidden as the model is registered" in counted
    assert Post.objects.get().likes == 0
    assert "mended: 1; left: 0" in mend()
    assert (Post.objects.get().likes, Post.objects.get().is_visible) == (-1, True)
    assert AuditEntry.objects.filter(action=Action.VISIBILITY_MENDED).count() == 1
    assert finding().is_well
    compare()
    decisions.decide(only().pk, reviewer=User.objects.create_user("ann"), kind="false_positive")
    assert (Post.objects.get().likes, Post.objects.get().is_visible) == (0, True)


def test_what_a_column_hid_is_moved_to_callables_and_back(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_column = {"text": "text", "hide": {"field": "refuses", "hidden": True}}
    register(settings, Letter=by_column)
    Letter.objects.create(text=HELD)
    screen()
    assert Letter.objects.get().refuses is True
    register(settings, Letter=LETTER)
    with pytest.raises(CommandError, match="Some are left"):
        mend()  # the site's callable raises
    assert (Letter.objects.get().is_withdrawn, Letter.objects.get().refuses) == (False, True)
    assert (only().hidden_by_us, only().action_pending) == (True, False)
    with monkeypatch.context() as patch:
        patch.setattr("tests.forum.rules.withdraw", lambda letter: Letter.objects.update(is_withdrawn=True))
        assert "mended: 1; left: 0" in mend()
    assert (Letter.objects.get().is_withdrawn, Letter.objects.get().refuses) == (True, False)
    register(settings, Letter=by_column)
    with pytest.raises(CommandError, match="Some are left"):
        mend()  # the other callable raises
    assert "withdraw" in only().hidden_by
    with monkeypatch.context() as patch:
        patch.setattr("tests.forum.rules.publish", lambda letter: Letter.objects.update(is_withdrawn=False))
        assert "mended: 1; left: 0" in mend()
    assert only().hidden_by_us is True
    assert (Letter.objects.get().is_withdrawn, Letter.objects.get().refuses) == (False, True)


def test_what_is_not_registered_any_more_is_shown_but_not_what_a_person_hid(
    settings: Any, held: Post
) -> None:
    other = Post.objects.create(body="I kill you, too")
    screen()
    upheld = Screening.objects.get(object_id=str(other.pk))
    decisions.decide(upheld.pk, reviewer=User.objects.create_user("ann"), kind="uphold")
    register(settings)
    assert "2, to be shown" in run_command("moderation_orphans")
    assert Post.objects.filter(is_visible=True).count() == 0
    assert "mended: 2; left: 0" in mend()
    assert Post.objects.get(pk=held.pk).is_visible is True
    assert Post.objects.get(pk=other.pk).is_visible is False
    assert not Screening.objects.filter(hidden_by_us=True).exists()
    assert finding().is_well


def test_a_column_that_was_renamed_is_still_ours(settings: Any, held: Post) -> None:
    Screening.objects.update(hidden_by='{"field": "is_public", "hidden": false, "visible": true}')
    assert "hidden by is_public = False: 1, to be hidden as the model is registered" in run_command(
        "moderation_orphans"
    )
    assert "mended: 1; left: 0" in mend()
    assert (Post.objects.get().is_visible, only().hidden_by_us) == (False, True)
    decisions.decide(only().pk, reviewer=User.objects.create_user("ann"), kind="false_positive")
    assert Post.objects.get().is_visible is True


def test_a_column_or_a_model_that_is_no_more_is_forgotten(settings: Any, held: Post) -> None:
    Screening.objects.update(hidden_by='{"field": "is_public", "hidden": false, "visible": true}')
    register(settings)
    assert "nothing is left to be undone" in run_command("moderation_orphans")
    assert "mended: 1; left: 0" in mend()
    assert (only().hidden_by_us, Post.objects.get().is_visible) == (False, False)


def test_what_no_one_can_undo_is_left_until_it_is_forgotten(settings: Any) -> None:
    register(settings, Letter=LETTER)
    Letter.objects.create(text=HELD)
    screen()
    Screening.objects.update(hidden_by='{"hide": "site.gone.hide", "show": "site.gone.show"}')
    register(settings)
    assert "hidden by site.gone.hide: 1, to be shown by hand" in run_command("moderation_orphans")
    with pytest.raises(CommandError, match="Some are left"):
        mend()
    Letter.objects.update(is_withdrawn=False)
    assert "mended: 1; left: 0" in mend("--forget")
    assert finding().is_well


def test_what_was_to_be_hidden_and_never_was_is_told_and_dropped(settings: Any) -> None:
    register(settings, Post=POST)
    Post.objects.create(body=HELD)
    register(settings)
    screen()
    assert only().action_pending is True
    assert not finding().is_well
    assert "hidden by nothing so far: 1, to be hidden, never were" in run_command("moderation_orphans")
    assert "mended: 1; left: 0" in mend()
    assert (only().action_pending, Post.objects.get().is_visible) == (False, True)


def test_what_an_earlier_release_hid_is_noted_by_the_comparison(held: Post) -> None:
    Screening.objects.update(hidden_by="")
    compare()
    assert "is_visible" in only().hidden_by


def test_an_edit_inherits_what_hid_the_object(settings: Any, held: Post) -> None:
    register(settings, Post=BY_LIKES)
    held.body = "how nice"
    held.is_visible = False
    held.save()
    screen()
    assert (only().queued_for, "is_visible" in only().hidden_by) == ("edited", True)
    decisions.decide(only().pk, reviewer=User.objects.create_user("ann"), kind="false_positive")
    assert (Post.objects.get().is_visible, Post.objects.get().likes) == (True, 0)


def test_a_table_that_is_to_be_migrated_is_no_error_of_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DatabaseError

    from moderation import orphans

    def fail() -> None:
        raise DatabaseError("no such column")

    monkeypatch.setattr(orphans, "count", fail)
    assert warnings() == []
    assert Note.objects.count() == 0
