"""Keys in every spelling, keys that do not grow, other databases, and databases that return no keys."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.test.utils import isolate_apps
from django.utils import timezone

from moderation import registry
from moderation.checks.configuration import check_models
from moderation.discovery.search import include_existing, remember_starts
from moderation.models import Discovery, LabelScore, ModelVersion, Screening
from moderation.objects.keys import key_as_text
from moderation.screening import receivers
from moderation.worker.sweep import sweep
from tests.forum.models import Note, Post, Ticket
from tests.moderation.conftest import load_by_words, screen

pytestmark = pytest.mark.django_db
TOXIC = "I kill you"


def compare() -> Any:
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    return sweep(load=load_by_words).found


# --- spellings ------------------------------------------------------------------------------------


@pytest.mark.regression("M4")
@pytest.mark.parametrize("spelling", [str, lambda key: key.hex, lambda key: f"{{{key}}}", lambda key: key])
def test_comment_saved_under_any_spelling_of_its_key_is_screened(
    version: ModelVersion, spelling: Any
) -> None:
    Note.objects.create(id=spelling(uuid.uuid4()), text=TOXIC)
    assert screen().verdicts == {"held": 1}
    assert (Note.objects.get().state, compare().gone) == ("withheld", 0)


@pytest.mark.regression("M4")
def test_number_given_as_text_is_the_number(version: ModelVersion) -> None:
    Post(pk="007", body=TOXIC).save()
    assert Screening.objects.get().object_id == "7"
    screen()
    assert not Post.objects.get(pk=7).is_visible


@pytest.mark.regression("M4")
@pytest.mark.parametrize(
    ("field", "written", "expected"),
    [
        (models.DecimalField(max_digits=6, decimal_places=2), "1.5", "1.50"),
        (models.DecimalField(max_digits=6, decimal_places=2), Decimal("1.500"), "1.50"),
        (models.CharField(max_length=9), "007", "007"),
        (models.DateField(), "2026-11-28", "2026-11-28"),
        (models.UUIDField(), "0F" * 16, str(uuid.UUID("0f" * 16))),
    ],
)
def test_key_of_each_kind_has_one_spelling(
    field: Any, written: object, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Note._meta, "pk", field)
    assert key_as_text(Note, written) == expected


@pytest.mark.regression("M4")
def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        key_as_text(Note, "seven")


# --- keys that do not grow ------------------------------------------------------------------------


@pytest.mark.regression("M5")
def test_number_that_does_not_grow_is_found_by_the_compare(version: ModelVersion) -> None:
    Ticket.objects.create(id=50, text="hello")
    Screening.objects.all().delete()
    remember_starts()
    Ticket.objects.bulk_create(
        [Ticket(id=5, text=TOXIC), Ticket(id=-5, text=TOXIC), Ticket(id=99, text=TOXIC)]
    )
    compare()
    assert set(Ticket.objects.filter(is_public=False).values_list("pk", flat=True)) == {5, -5, 99}


@pytest.mark.regression("M5")
def test_growing_keys_say_what_was_there_before(version: ModelVersion) -> None:
    Discovery.objects.all().delete()  # moderation comes to a site that has comments
    Post.objects.bulk_create([Post(pk=7, body=TOXIC)])
    remember_starts()
    Post.objects.bulk_create([Post(pk=8, body=TOXIC)])
    compare()
    assert list(Screening.objects.values_list("object_id", flat=True)) == ["8"]
    include_existing()
    compare()
    assert set(Screening.objects.values_list("object_id", flat=True)) == {"7", "8"}


@pytest.mark.regression("M5")
def test_keys_that_a_site_declares_random_are_compared_from_the_first_on(
    version: ModelVersion, settings: Any
) -> None:
    models = {"forum.Post": {"text": "body", "keys": "random"}}
    settings.MODERATION = {**settings.MODERATION, "MODELS": models}
    Post.objects.bulk_create([Post(pk=70, body="hello")])
    remember_starts()
    Post.objects.bulk_create([Post(pk=7, body=TOXIC)])
    compare()
    assert set(Screening.objects.values_list("object_id", flat=True)) == {"70", "7"}


@pytest.mark.regression("M5")
def test_negative_keys_of_an_empty_table_are_found_by_the_next_sweep(version: ModelVersion) -> None:
    remember_starts()
    Post.objects.bulk_create([Post(pk=-7, body=TOXIC)])
    sweep(load=load_by_words)
    assert not Post.objects.get().is_visible


@pytest.mark.regression("M5")
def test_which_keys_grow_is_known_by_their_type() -> None:
    growing = {entry.label: entry.has_growing_keys for entry in registry.registered()}
    assert (growing["forum.Post"], growing["forum.Note"], growing["forum.Ticket"]) == (True, False, False)


# --- renamed ------------------------------------------------------------------------------------


def test_screenings_follow_a_text_that_is_registered_under_another_name(
    version: ModelVersion, settings: Any
) -> None:
    remember_starts()
    for text in (TOXIC, "what an idiot"):
        Note.objects.create(text=text)
    screen()
    before = dict(Screening.objects.values_list("object_id", "verdict"))
    Screening.objects.update(field="old_name")
    Discovery.objects.update(field="old_name")
    Note.objects.create(text="later")
    Note.objects.filter(text="what an idiot").update(text="edited meanwhile")
    remember_starts()
    compare()
    screen()
    current = Screening.objects.filter(is_current=True)
    assert set(current.values_list("field", flat=True)) == {"text"}
    assert current.count() == 3 == current.values("object_id").distinct().count()
    held = current.get(verdict="held")
    assert (before[held.object_id], held.text) == ("held", TOXIC)


# --- other databases ------------------------------------------------------------------------------


@pytest.mark.regression("M6")
def test_save_to_a_database_where_nobody_looks_is_refused_aloud(
    version: ModelVersion, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "_refused", set())
    archived = Post(pk=3, body=TOXIC)
    with caplog.at_level(logging.ERROR):
        receivers.on_save(Post, archived, created=True, using="archive")
        receivers.on_save(Post, archived, using="archive")
    assert not Screening.objects.exists()
    assert (
        caplog.text.count("moderation.other-database: forum.Post was saved through the database archive") == 1
    )
    assert TOXIC not in caplog.text


@pytest.mark.regression("M6")
def test_deleting_a_copy_in_another_database_leaves_the_object_s_screening(version: ModelVersion) -> None:
    post = Post.objects.create(body=TOXIC)
    receivers.on_delete(Post, post, using="archive")
    assert Screening.objects.get().is_current


@pytest.mark.regression("H5")
def test_database_that_returns_no_keys_of_several_rows_stores_labels_all_the_same(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SQLite before 3.35, which Django supports, and MySQL."""
    monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)
    for text in (TOXIC, "what an idiot", "hello"):
        Note.objects.create(text=text)
    assert screen().verdicts == {"held": 1, "flagged": 1, "clear": 1}
    assert LabelScore.objects.count() == 4
    by_text = LabelScore.objects.values_list("scoring__screening__text", "label")
    assert {label for text, label in by_text if text == TOXIC} == {"toxic", "threat"}


# --- transactions by hand ---------------------------------------------------------------------------


@pytest.mark.regression("L4")
@pytest.mark.django_db(transaction=True)
def test_save_of_a_site_that_commits_by_itself_loses_no_promise(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rings: list[int] = []
    monkeypatch.setattr("moderation.notifier.notify", lambda: rings.append(1))
    losses = receivers.losses()
    transaction.set_autocommit(False)
    try:
        for number in range(3):
            Note.objects.create(text=f"{TOXIC} {number}")
        assert rings == []
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert receivers.losses() == losses
    assert "promise-lost" not in caplog.text
    assert screen().verdicts == {"held": 3}


# --- registrations --------------------------------------------------------------------------------


def ids(settings: Any, **registered: Any) -> list[str | None]:
    labels = {label.replace("__", "."): given for label, given in registered.items()}
    settings.MODERATION = {**settings.MODERATION, "MODELS": labels}
    return [message.id for message in check_models()]


@pytest.mark.regression("M3")
def test_parent_and_child_can_t_both_be_registered(settings: Any) -> None:
    child = {"text": "summary"}
    assert ids(settings, forum__LongPost=child) == ["moderation.E034"]  # its parent is, by its decorator


@pytest.mark.regression("D7")
@pytest.mark.parametrize(
    ("label", "expected"), [("insutl", "moderation.E031"), ("spam", "moderation.W005"), ("insult", None)]
)
def test_label_that_no_version_knows_is_reported(settings: Any, label: str, expected: str | None) -> None:
    note = {"text": "text", "thresholds": {label: {"flag": 0.5}}}
    assert ids(settings, forum__Note=note) == ([expected] if expected else [])


@pytest.mark.regression("M5")
@pytest.mark.parametrize("keys", ["shrinking", "growing"])
def test_kind_of_keys_that_uuids_can_t_be_of_is_reported(settings: Any, keys: str) -> None:
    assert ids(settings, forum__Note={"text": "text", "keys": keys}) == ["moderation.E035"]


@pytest.mark.regression("M5")
@isolate_apps("tests.forum")
def test_only_keys_that_the_database_counts_up_are_known_to_grow() -> None:
    """A profile may be added to an old user, and a number that the site assigns may be any."""

    class Counted(models.Model):
        class Meta:
            app_label = "forum"

    class Child(Counted):
        class Meta:
            app_label = "forum"

    class Profile(models.Model):
        of = models.OneToOneField(Counted, models.CASCADE, primary_key=True)

        class Meta:
            app_label = "forum"

    class Assigned(models.Model):
        number = models.IntegerField(primary_key=True)

        class Meta:
            app_label = "forum"

    kinds = [registry.has_automatic_keys(model) for model in (Counted, Child, Profile, Assigned)]
    assert kinds == [True, True, False, False]
    assert registry.may_grow(Profile) and registry.may_grow(Assigned) and not registry.may_grow(Note)
