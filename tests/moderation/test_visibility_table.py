"""The table of docs/integration.md, line by line: what happens, and what follows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from moderation.audit import Action
from moderation.discovery.search import remember_starts
from moderation.models import AuditEntry, Discovery, ModelVersion, Screening
from moderation.review import decisions
from moderation.visibility.releasing import release
from moderation.worker.sweep import sweep
from tests.forum.models import Note
from tests.moderation.conftest import load_by_words, screen

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.regression("H2", "H3", "M1", "M2", "D1")]

PAGE = Path(__file__).parents[2] / "docs" / "integration.md"
HELD = "I kill you"
NOTE = {"text": "text", "hide": {"field": "state", "hidden": "withheld", "visible": "published"}}

Scenario = Callable[[Any], None]
SCENARIOS: dict[str, Scenario] = {}
"""{first column of the table: what it says, played through}."""


def line(first_column: str) -> Callable[[Scenario], Scenario]:
    def remember(scenario: Scenario) -> Scenario:
        SCENARIOS[first_column] = scenario
        return scenario

    return remember


def lines_of_the_page() -> list[str]:
    """The first column of the table."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index("| What happens | What follows |")
    found = []
    for row in lines[start + 2 :]:
        if not row.startswith("|"):
            break
        found.append(row.split("|")[1].strip())
    return found


@pytest.fixture(autouse=True)
def start(version: ModelVersion) -> None:
    remember_starts()


@pytest.mark.parametrize("first_column", lines_of_the_page())
def test_what_the_page_says_is_so(first_column: str, settings: Any) -> None:
    SCENARIOS[first_column](settings)


def test_nothing_is_played_that_the_page_does_not_say() -> None:
    assert list(SCENARIOS) == lines_of_the_page()


# --- what is used below ---------------------------------------------------------------------------


def explicit(settings: Any) -> None:
    models = {"forum.Note": {**NOTE, "release": "explicit"}}
    settings.MODERATION = {**settings.MODERATION, "MODELS": models}


def only() -> Screening:
    return Screening.objects.get(is_current=True)


def state() -> str:
    return Note.objects.get().state


def held(was: str = "published") -> Note:
    """An instance that was loaded before its text was held."""
    Note.objects.create(text=HELD, state=was)
    note = Note.objects.get()
    screen()
    assert only().verdict == "held"
    return note


def show(note: Note, text: str | None = None) -> Note:
    note.state = "published"
    note.text = note.text if text is None else text
    note.save()
    return note


def compare() -> int:
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    return sweep(load=load_by_words).found.shown


def decide(kind: str) -> None:
    decisions.decide(only().pk, reviewer=User.objects.create_user("ann"), kind=kind)


def by_update() -> None:
    Note.objects.update(state="published")


def by_bulk_update() -> None:
    notes = list(Note.objects.all())
    for note in notes:
        note.state = "published"
    Note.objects.bulk_update(notes, ["state"])


def by_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE forum_note SET state = 'published'")


def by_loaddata(path: Path) -> None:
    note = Note.objects.get()
    fields = {"text": note.text, "state": "published"}
    path.write_text(json.dumps([{"model": "forum.note", "pk": str(note.pk), "fields": fields}]))
    call_command("loaddata", str(path), verbosity=0)


def stays_public() -> None:
    assert state() == "published"
    assert compare() == 0
    Note.objects.get().save()
    assert state() == "published"


# --- line by line ---------------------------------------------------------------------------------


@line("A comment is held")
def _(settings: Any) -> None:
    held()
    assert (state(), only().hidden_by_us) == ("withheld", True)


@line("A draft is held, or something else that is not visible")
def _(settings: Any) -> None:
    note = held("draft")
    assert (state(), compare()) == ("draft", 0)
    assert (show(note).state, state()) == ("withheld", "withheld")


@line("It is decided in the queue")
def _(settings: Any) -> None:
    note = held()
    decide("false_positive")
    stays_public()
    Note.objects.all().delete()
    note = held("draft")
    Screening.objects.filter(pk=only().pk).update(outcome="show")
    assert state() == "draft"
    show(note)
    stays_public()


@line(
    "Somebody loads the hidden comment, makes it visible and saves it: the Django admin, *approve* in "
    "django-contrib-comments, a view of yours"
)
def _(settings: Any) -> None:
    held()
    show(Note.objects.get())
    stays_public()
    assert only().is_open


@line('The same, with `"release": "explicit"`')
def _(settings: Any) -> None:
    explicit(settings)
    held()
    assert (show(Note.objects.get()).state, state()) == ("withheld", "withheld")


@line("The same, of a text that was edited while it was hidden")
def _(settings: Any) -> None:
    held()
    note = Note.objects.get()
    note.text = "how nice"
    note.save()
    screen()
    assert (show(Note.objects.get()).state, state()) == ("withheld", "withheld")
    decide("false_positive")
    stays_public()


@line("An instance that was loaded before we hid it is saved")
def _(settings: Any) -> None:
    note = held()
    note.save()
    assert (note.state, state()) == ("withheld", "withheld")


@line("It is saved visible, with another text as well")
def _(settings: Any) -> None:
    held()
    show(Note.objects.get(), "how nice")
    assert (state(), only().queued_for, only().is_open) == ("withheld", "edited", True)


@line("`update()`, `bulk_update()`, SQL, `loaddata` show what we hid")
def _(settings: Any) -> None:
    file = Path(settings.MODERATION["MODEL_DIRECTORY"]).parent / "notes.json"
    for way in (by_update, by_bulk_update, by_sql, lambda: by_loaddata(file)):
        held()
        way()
        assert (state(), compare(), state()) == ("published", 1, "withheld")
        target = str(only().pk)
        assert AuditEntry.objects.filter(action=Action.VISIBILITY_HIDDEN_AGAIN, target_id=target).count() == 1
        way()
        compare()
        stays_public()
        Note.objects.all().delete()
    file.unlink()
    explicit(settings)
    held()
    for _ in range(3):
        by_update()
        assert (compare(), state()) == (1, "withheld")


@line("The same show a held draft, or what a worker with older settings held and could not hide")
def _(settings: Any) -> None:
    held("draft")
    by_update()
    assert (compare(), state()) == (1, "withheld")
    assert AuditEntry.objects.filter(action=Action.VISIBILITY_HIDDEN_LATE).count() == 1
    show(Note.objects.get())
    stays_public()
    Note.objects.all().delete()
    before = settings.MODERATION
    settings.MODERATION = {**before, "MODELS": {"forum.Note": {"text": "text"}}}
    held()
    assert state() == "published"
    settings.MODERATION = before
    assert (compare(), state()) == (1, "withheld")


@line("Your code calls `release()`")
def _(settings: Any) -> None:
    explicit(settings)
    held()
    assert release(Note.objects.get()) is True
    stays_public()
    Note.objects.all().delete()
    note = held("draft")
    assert release(note) is True
    assert (state(), note.state) == ("draft", "draft")
    show(note)
    stays_public()
