"""Decisions that contradict each other wait for a lead, who corrects one or leaves both and is asked once."""

import os
import shutil
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from moderation.models import AuditEntry, Contradiction, ModelVersion, Review, Screening
from moderation.retraining import contradictions
from moderation.review.decisions import decide
from moderation.versions import store, training_folders
from tests.moderation.conftest import LABELS
from tests.moderation.test_queue import queued
from tests.toxicity_ml.tiny_model import FRIENDLY, build_version

pytestmark = pytest.mark.django_db
TEXT = "nobody here reads the copper ladder of {}"
LIST = "admin:moderation_contradiction_changelist"


@pytest.fixture
def lead(version: ModelVersion) -> Client:
    user = User.objects.create_user("lea", is_staff=True)
    codes = ("lead_reviews", "review_screening", "view_screening")
    user.user_permissions.add(*Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    return client


def decided(text: str, key: str, *, is_toxic: bool) -> Review:
    ann, _ = User.objects.get_or_create(username="ann")
    row = queued(text, text_key=key)
    labels = {**dict.fromkeys(LABELS, False), "toxic": is_toxic}
    return decide(row.pk, reviewer=ann, kind="relabel", labels=labels)


def page(client: Client) -> str:
    return client.get(reverse(LIST)).content.decode()


def test_texts_that_read_alike_and_were_decided_otherwise_are_noted_once(version: ModelVersion) -> None:
    assert contradictions.waiting_line().startswith("No contradictions between decisions are known;")
    first = decided(TEXT.format("Anna"), "a" * 64, is_toxic=True)
    same = decided(TEXT.format("Anna"), "a" * 64, is_toxic=False)
    near = decided(TEXT.format("Bert"), "b" * 64, is_toxic=True)
    decided("something else altogether is said here", "c" * 64, is_toxic=False)
    for _ in range(2):
        found = contradictions.find(version)
        assert (found.pairs, found.waiting, found.wrong) == (1, 1, None)
    assert contradictions.waiting_line().startswith("1 contradictions between decisions wait for a lead;")
    (row,) = Contradiction.objects.all()
    assert (row.kind, row.review, row.other) == ("near_text", same, near)
    again = decided(TEXT.format("anna"), "a" * 64, is_toxic=False)
    assert contradictions.find(version).pairs == 2
    pairs = set(Contradiction.objects.values_list("kind", "review", "other"))
    assert {("same_text", first.pk, again.pk), ("near_text", near.pk, again.pk)} <= pairs


def test_a_lead_corrects_one_and_it_waits_no_more(lead: Client, version: ModelVersion) -> None:
    first = decided(TEXT.format("Anna"), "a" * 64, is_toxic=True)
    decided(TEXT.format("Bert"), "b" * 64, is_toxic=False)
    contradictions.find(version)
    shown = page(lead)
    assert TEXT.format("Anna") in shown and TEXT.format("Bert") in shown
    assert reverse("admin:moderation_screening_change", args=[first.screening_id]) in shown
    leader = User.objects.get(username="lea")
    labels = dict.fromkeys(LABELS, False)
    decide(first.screening_id, reviewer=leader, kind="relabel", labels=labels, seen_number=1)
    assert TEXT.format("Anna") not in page(lead)
    assert contradictions.find(version).waiting == 0


def test_what_is_right_as_it_is_is_recorded_and_not_asked_again(lead: Client, version: ModelVersion) -> None:
    decided(TEXT.format("Anna"), "a" * 64, is_toxic=True)
    decided(TEXT.format("Bert"), "b" * 64, is_toxic=False)
    contradictions.find(version)
    key = Contradiction.objects.get().pk
    answer = lead.post(reverse(LIST), {"action": "leave", "_selected_action": key}, follow=True)
    assert "1 left as it is." in answer.content.decode()
    row = Contradiction.objects.get()
    assert row.settled is not None and row.settled_by_name == "lea"
    entry = AuditEntry.objects.get(action="contradiction.dismissed")
    assert entry.username == "lea" and "copper" not in str(entry.after)
    assert contradictions.find(version).waiting == 0 and TEXT.format("Anna") not in page(lead)


def test_a_moderator_who_does_not_lead_sees_none_and_a_blanked_text_is_gone(
    lead: Client, version: ModelVersion
) -> None:
    decided(TEXT.format("Anna"), "a" * 64, is_toxic=True)
    decided(TEXT.format("Bert"), "b" * 64, is_toxic=False)
    contradictions.find(version)
    User.objects.get(username="lea").user_permissions.remove(Permission.objects.get(codename="lead_reviews"))
    assert lead.get(reverse(LIST)).status_code == 403
    assert Contradiction.objects.waiting().count() == 1
    Screening.objects.filter(text__contains="Anna").update(text="", blanked="2026-01-01T00:00:00Z")
    assert Contradiction.objects.waiting().count() == 0


def test_the_command_tells_how_many_are_wrong_and_whose_stand_out(settings: Any, tmp_path: Path) -> None:
    """With a real network in a process of its own; of eve's decisions all are the wrong way round."""
    settings.MODERATION = {**settings.MODERATION, "MODEL_DIRECTORY": str(tmp_path / "published")}
    build_version(tmp_path / "tiny")
    version = store.publish(tmp_path / "tiny")
    store.activate(version)
    people = [User.objects.create(username=name) for name in ("ann", "bob", "cid", "eve")]
    for number in range(200):
        is_toxic = number % 2 == 0
        words = [FRIENDLY[(number * 7 + place * 3) % len(FRIENDLY)] for place in range(4)]
        row = queued(" ".join([*words, "idiot" if is_toxic else "day"]), text_key=f"{number:064x}")
        person = people[number // 2 % 4]
        said = is_toxic != (person.username == "eve")
        labels = {label: said and label in ("toxic", "insult") for label in version.labels}
        Review.objects.create(
            screening=row,
            number=1,
            decision="relabel",
            outcome="hide" if said else "show",
            labels=labels,
            reviewer=person,
            reviewer_name=person.username,
        )
    out = StringIO()
    call_command("find_contradictions", stdout=out)
    assert "The decisions of eve stand out." in out.getvalue()
    assert "of the decisions are wrong" in out.getvalue() and "idiot" not in out.getvalue()
    named = Contradiction.objects.get(kind="reviewer")
    assert named.reviewer_name == "eve" and named.figures["rate"] > named.figures["rate_of_others"]


def test_what_a_killed_search_leaves_goes_as_a_killed_training_s_does(
    version: ModelVersion, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODERATION = {**settings.MODERATION, "MODEL_CACHE": str(tmp_path / "cache")}
    monkeypatch.setattr(store, "local_directory", lambda _: tmp_path)
    monkeypatch.setattr(contradictions, "MOST_UNLIKELY", 2)
    for number in range(4):
        decided(TEXT.format(number), f"{number:064x}", is_toxic=bool(number % 2))
    left: list[Path] = []

    def kill(*_: Any, output: Path, **__: Any) -> None:
        left.append(Path(shutil.copytree(output.parent, output.parent.with_name("doubts-killed"))))
        raise KeyboardInterrupt

    monkeypatch.setattr(contradictions, "run_classifier", kill)
    with pytest.raises(KeyboardInterrupt):
        contradictions.find(version)
    (place,) = left
    assert place.parent == training_folders.root() and "ladder" in (place / "rows.csv").read_text()
    assert training_folders.remove_left(0) == 0, "another search may be at work there"
    for path in (place / "rows.csv", place):
        os.utime(path, (0, time.time() - 2 * 3600))
    assert training_folders.remove_left(0) == 1
    assert not list(training_folders.root().iterdir())
