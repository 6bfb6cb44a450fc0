"""`moderation.screen` and `moderation.withdraw`: what a site's own code tells of its objects."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

import moderation
from moderation.discovery.search import remember_starts
from moderation.models import Discovery, ModelVersion, Screening
from moderation.review import decisions
from moderation.screening.on_request import NotModerated
from moderation.worker.sweep import sweep
from tests.forum.models import Note
from tests.moderation.conftest import load_by_words, screen

pytestmark = [pytest.mark.django_db, pytest.mark.regression("D8", "S14")]
TOXIC = "I kill you"


def current() -> Any:
    return Screening.objects.get(is_current=True)


def test_objects_that_were_inserted_in_bulk_are_screened_when_asked_for(version: ModelVersion) -> None:
    remember_starts()
    notes = Note.objects.bulk_create([Note(text=TOXIC), Note(text="hello")])
    assert moderation.screen(notes) == 2
    assert moderation.screen(Note.objects.all()) == 0  # they are noted already
    assert screen().verdicts == {"held": 1, "clear": 1}
    Note.objects.filter(text="hello").update(text="what an idiot")
    assert moderation.screen(notes) == 1
    assert screen().verdicts == {"flagged": 1}


def test_object_of_a_model_that_is_not_registered_is_refused(version: ModelVersion) -> None:
    for ask in (lambda user: moderation.screen([user]), moderation.withdraw):
        with pytest.raises(NotModerated, match=r"auth\.User is not registered"):
            ask(User(username="ann"))


def test_soft_deleted_object_leaves_the_queue_and_its_copies_are_blanked(version: ModelVersion) -> None:
    note = Note.objects.create(text="you idiot")
    note.text = "you big idiot"
    note.save()
    screen()
    assert Screening.objects.open().count() == 1
    assert moderation.withdraw(note)
    assert not moderation.withdraw(note)
    assert not Screening.objects.exclude(text="").exists()
    assert not Screening.objects.open().exists()
    assert current().verdict == "flagged"


@pytest.mark.parametrize("text", ["you idiot", TOXIC])
def test_withdrawn_object_stays_so_until_it_is_edited(version: ModelVersion, text: str) -> None:
    remember_starts()
    note = Note.objects.create(text=text)
    moderation.withdraw(note)  # before any worker saw it
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    sweep(load=load_by_words)
    note.save()
    assert screen().scored == 0
    assert current().text == ""
    note.text = f"{text} again"
    note.save()
    assert screen().scored == 1


def test_withdrawn_object_that_nobody_had_told_of_is_not_found_later(version: ModelVersion) -> None:
    remember_starts()
    (note,) = Note.objects.bulk_create([Note(text=TOXIC)])
    moderation.withdraw(note)
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    sweep(load=load_by_words)
    assert not Screening.objects.exclude(text="").exists()
    assert not Screening.objects.open().exists()
    assert moderation.screen([note]) == 1
    assert screen().verdicts == {"held": 1}


def test_object_that_is_there_again_is_screened_when_asked_for(version: ModelVersion) -> None:
    note = Note.objects.create(text=TOXIC)
    screen()
    moderation.withdraw(note)
    assert moderation.screen([note]) == 1
    screen()
    assert (current().verdict, current().is_open, Note.objects.get().state) == ("held", True, "withheld")


def test_decision_survives_a_withdrawal(version: ModelVersion) -> None:
    note = Note.objects.create(text=TOXIC)
    screen()
    decisions.decide(current().pk, reviewer=User.objects.create_user("ann"), kind="false_positive")
    moderation.withdraw(note)
    assert moderation.screen([note]) == 0
    assert (current().outcome, Note.objects.get().state) == ("show", "published")
