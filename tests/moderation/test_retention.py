"""Retention: copies are blanked when their time is over, and never while somebody needs them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation import registry, retention
from moderation.authors import notes as author_notes
from moderation.authors.identity import Author
from moderation.checks.configuration import check_models, check_setting
from moderation.discovery.search import remember_starts
from moderation.models import (
    AuditEntry,
    AuthorNote,
    BulkDecision,
    BulkItem,
    Discovery,
    LabelScore,
    ModelVersion,
    Review,
    Scoring,
    Screening,
)
from moderation.retraining import training_data
from moderation.review import decisions
from moderation.texts import exact_digest
from moderation.worker.sweep import Swept, sweep
from tests.conftest import uses_postgresql
from tests.forum.models import Letter, Note, Post
from tests.moderation.conftest import LABELS, load_by_words, locked_by_somebody, run_command, screen

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def thirty_days(version: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": 30}
    remember_starts()


def aged(days: float = 31) -> None:
    """All that is screened now was screened so many days ago."""
    Screening.objects.update(created=timezone.now() - timedelta(days=days))


def row(of: Note | Post | Letter) -> Screening:
    return Screening.objects.filter(object_id=str(of.pk)).latest("id")


def run(*, compare: bool = False) -> Swept:
    if compare:
        Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    return sweep(load=load_by_words)


def note(text: str) -> Note:
    found = Note.objects.create(text=text)
    screen()
    return found


def test_old_texts_are_blanked_and_what_was_made_of_them_stays() -> None:
    old = note("how nice")
    aged()
    young = note("how nice, too")
    before = Screening.objects.values().get(object_id=str(old.pk))
    assert run().blanked == 1
    after = Screening.objects.values().get(object_id=str(old.pk))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"text", "text_key", "text_digest", "blanked"}
    assert (after["text"], after["text_key"], after["is_current"]) == ("", "", True)
    assert Scoring.objects.filter(screening=after["id"]).exists()
    assert row(young).text == "how nice, too"
    assert run().blanked == 0


def test_without_the_setting_everything_stays_and_nothing_is_asked(settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": None}
    note("how nice")
    aged(10_000)
    with CaptureQueriesContext(connection) as queries:
        assert retention.blank_due() == 0
    assert len(queries) == 0


def test_a_text_that_waits_for_a_person_stays_until_the_decision() -> None:
    flagged = note("you idiot")
    aged()
    assert run().blanked == 0
    decisions.decide(row(flagged).pk, reviewer=User.objects.create_user("ann"), kind="uphold")
    assert run().blanked == 1
    assert LabelScore.objects.filter(scoring__screening=row(flagged)).count() == 2
    assert Review.objects.get().labels["insult"] is True


def test_a_text_that_waits_for_the_model_stays() -> None:
    Note.objects.create(text="how nice")
    aged()
    assert retention.blank_due() == 0
    Screening.objects.update(outcome="show")
    assert retention.blank_due() == 0


@pytest.mark.parametrize("queued_for", ["failed", "edited", "held", "audit", "language"])
def test_whatever_it_is_queued_for_it_stays(queued_for: str) -> None:
    note("how nice")
    Screening.objects.update(queued_for=queued_for)
    aged()
    assert retention.blank_due() == 0


def test_old_copies_of_edited_comments_are_blanked_even_if_they_were_queued() -> None:
    edited = note("you idiot")
    edited.text = "how nice"
    edited.save()
    screen()
    aged()
    Screening.objects.filter(text="how nice").update(created=timezone.now())
    assert run().blanked == 1
    old = Screening.objects.get(is_current=False)
    assert (old.text, old.text_digest, old.queued_for) == ("", None, "flagged")


def test_texts_without_an_object_end_too() -> None:
    Screening.objects.create(source="import", text="imported", text_key="a" * 64)
    screen()
    aged()
    assert retention.blank_due() == 1
    assert Screening.objects.get().text_digest is None


def test_a_blanked_text_is_in_no_training_or_test_set() -> None:
    ann = User.objects.create_user("ann")
    decisions.decide(row(note("you idiot")).pk, reviewer=ann, kind="uphold")
    note("how nice")
    sides = (training_data.TRAIN, training_data.DEV, training_data.TEST)

    def everything() -> list[str]:
        known = [found.text for found in training_data.reviewed(LABELS)]
        return known + [text for side in sides for text, _ in training_data.unreviewed(side, 99, seed=1)[0]]

    assert sorted(everything()) == ["how nice", "you idiot"]
    aged()
    assert retention.blank_due() == 2
    assert everything() == []


# --- a blanked copy of a comment that lives --------------------------------------------------------


def test_an_unchanged_comment_is_not_screened_again() -> None:
    living = note("how nice")
    aged()
    run()
    assert run(compare=True).found.edited == 0
    living.save()
    assert Screening.objects.count() == 1
    assert row(living).is_current is True


def test_an_edit_after_blanking_is_screened() -> None:
    living = note("how nice")
    aged()
    run()
    living.text = "you idiot"
    living.save()
    screen()
    assert (row(living).text, row(living).verdict) == ("you idiot", "flagged")
    blanked = Screening.objects.get(is_current=False)
    assert (blanked.text, blanked.text_digest) == ("", None)


def test_an_edit_behind_the_orm_after_blanking_is_screened() -> None:
    living = note("how nice")
    aged()
    run()
    Note.objects.update(text="you idiot")
    assert run(compare=True).found.edited == 1
    assert row(living).verdict == "flagged"


def test_the_edit_of_a_hidden_comment_stays_hidden_after_blanking_too() -> None:
    held = note("I kill you")
    decisions.decide(row(held).pk, reviewer=User.objects.create_user("ann"), kind="uphold")
    aged()
    run()
    held.text = "how nice"
    held.save()
    assert row(held).queued_for == "edited"
    assert Note.objects.get().state == "withheld"


@pytest.mark.django_db(transaction=True)
def test_when_the_object_goes_the_digest_goes_too() -> None:
    by_the_orm, by_sql = note("how nice"), note("how very nice")
    aged()
    run()
    assert Screening.objects.exclude(text_digest=None).count() == 2
    by_the_orm.delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM forum_note")
    assert run(compare=True).found.gone == 1
    rows = Screening.objects.values_list("text", "text_digest", "is_current")
    assert list(rows) == [("", None, False)] * 2
    assert row(by_sql).blanked is not None


def test_the_digest_tells_nothing_without_the_key_and_links_no_two_rows(settings: Any) -> None:
    one, other = note("how nice"), note("how nice")
    aged()
    run()
    digests = set(Screening.objects.values_list("text_digest", flat=True))
    assert len(digests) == 2
    secret = settings.MODERATION["TEXT_KEY_SECRET"]
    assert row(one).text_digest == exact_digest("how nice", secret, row(one).pk)
    assert row(other).is_of("how nice")
    assert not row(other).is_of("How nice")
    settings.MODERATION = {**settings.MODERATION, "TEXT_KEY_SECRET": "another"}
    assert not row(one).is_of("how nice")


@pytest.mark.parametrize("written", ["how\nnice", "how\r\nnice", " how\nnice\n"])
def test_a_blanked_text_is_known_again_with_other_line_ends(settings: Any, written: str) -> None:
    blanked = note(written)
    aged()
    run()
    for text in ("how\nnice", "how\r\nnice", "how\rnice", "  how\nnice \r\n"):
        assert row(blanked).is_of(text)
    assert not row(blanked).is_of("how nice")
    blanked.text = "how\r\nnice"
    blanked.save()
    assert Screening.objects.count() == 1
    # as earlier releases noted it
    secret = settings.MODERATION["TEXT_KEY_SECRET"]
    for before in (written.strip(), "how\r\nnice"):
        Screening.objects.update(text_digest=exact_digest(before, secret, row(blanked).pk))
        assert row(blanked).is_of(before)


def test_a_blanked_text_can_not_be_judged() -> None:
    screening = row(note("how nice"))
    aged()
    run()
    ann = User.objects.create_user("ann")
    with pytest.raises(decisions.NoLongerCurrent, match="blanked"):
        decisions.decide(screening.pk, reviewer=ann, kind="false_positive")


# --- bounds, options, the command --------------------------------------------------------------------


def many(model: type[Note] | type[Letter] | type[Post], count: int) -> None:
    name = "body" if model is Post else "text"
    for number in range(count):
        model.objects.create(**{name: f"{model.__name__} {number}"})
    screen()


def test_a_sweep_blanks_a_bounded_number_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    monkeypatch.setattr(retention, "CHUNKS_OF_A_SWEEP", 2)
    many(Note, 3)
    many(Letter, 4)
    aged()
    assert [run().blanked for _ in range(3)] == [4, 3, 0]


def test_a_chunk_costs_the_same_number_of_queries_however_many_texts() -> None:
    def queries(count: int) -> int:
        many(Letter, count)
        aged()
        with CaptureQueriesContext(connection) as found:
            assert retention.blank_due() == count
        return len(found)

    assert queries(2) == queries(40)


def test_each_model_may_have_its_own_time(settings: Any) -> None:
    models = {
        "forum.Note": {"text": "text", "retention_days": 5},
        "forum.Letter": {"text": "text", "retention_days": None},
        "forum.Post": {"text": "body"},
    }
    settings.MODERATION = {**settings.MODERATION, "MODELS": models}
    for model in (Note, Letter, Post):
        many(model, 1)
    aged(10)
    assert retention.due() == {"forum.Note": 1}
    assert retention.blank_due() == 1
    aged(100)
    assert retention.due() == {"forum.Post": 1}
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": None}
    assert retention.due() == {}


def test_the_decorator_takes_it_too_and_leaves_it_to_the_setting_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_decorated", dict(registry._decorated))

    def days(**options: Any) -> float | None:
        registry.moderated(text="text", **options)(Letter)
        entry = registry.get("forum.Letter")
        assert entry is not None
        return entry.retention_days

    assert (days(retention_days=7), days(retention_days=None), days()) == (7, None, 30)
    monkeypatch.undo()
    registry.load_setting()


@pytest.mark.parametrize("wrong", [-1, "30", True])
def test_a_time_that_makes_no_sense_is_reported(settings: Any, wrong: object) -> None:
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": wrong}
    assert [message.id for message in check_setting()] == ["moderation.E003"]
    models = {"forum.Note": {"text": "text", "retention_days": wrong}}
    settings.MODERATION = {"MODELS": models}
    assert [message.id for message in check_models()] == ["moderation.E020"]


def test_the_command_counts_and_blanks() -> None:
    many(Note, 2)
    many(Letter, 1)
    aged()
    assert run_command("blank_texts", "--dry-run").splitlines() == [
        "forum.Letter: 1 text(s) are due",
        "forum.Note: 2 text(s) are due",
    ]
    assert not Screening.objects.exclude(blanked=None).exists()
    assert "retention has ended: 3 text(s)" in run_command("blank_texts")
    assert run_command("blank_texts", "--dry-run").strip() == "No text is due."


def test_the_command_looks_for_what_is_gone_at_once_when_asked() -> None:
    many(Note, 2)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM forum_note")
    assert "their object is gone: 2 object(s)" in run_command("blank_texts", "--gone")
    assert set(Screening.objects.values_list("text", flat=True)) == {""}


@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_is_changing_is_not_waited_for(version: ModelVersion) -> None:
    """A person's decision locks it; the next sweep comes by."""
    note("how nice")
    aged()
    with locked_by_somebody(Screening.objects.all()):
        assert retention.blank_due() == 0
    assert retention.blank_due() == 1


def test_what_is_due_is_found_by_an_index() -> None:
    """With a table of which a small part is due; `explain` asks the planner as the site would."""
    many(Letter, 1)
    kind = row(Letter.objects.get()).content_type_id
    made = Screening.objects.bulk_create(
        Screening(
            content_type_id=kind,
            object_id=f"made up {number}",
            field="text",
            text="how nice " * 40,
            status="done",
            verdict="clear",
        )
        for number in range(4000)
    )
    Screening.objects.filter(pk__lt=made[50].pk).update(created=timezone.now() - timedelta(days=31))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    due = retention._due(kind, 30).order_by("created", "id")[:500]
    kinds = retention._content_types_after(Screening.objects.blankable(), 0)[:1]
    # While little is blanked the index of all dates does as well.
    assert "moderation_to_blank" in due.explain() or "moderation_created" in due.explain()
    assert "moderation_to_blank" in kinds.explain()
    assert len(due) == 51


def test_the_words_in_reviews_go_with_the_text_and_the_reviews_stay(
    django_capture_on_commit_callbacks: Any,
) -> None:
    ann = User.objects.create_user("ann")
    flagged, young = note("you idiot"), note("you idiot, too")
    review = decisions.decide(row(flagged).pk, reviewer=ann, kind="uphold", note="call 555-0100")
    undone = decisions.decide(row(young).pk, reviewer=ann, kind="uphold", note="first")
    decisions.undo(undone.pk, reviewer=ann, note="second")
    Screening.objects.filter(pk=row(flagged).pk).update(created=timezone.now() - timedelta(days=31))
    before = Review.objects.values().get(pk=review.pk)
    assert run().blanked == 1
    assert Review.objects.values().get(pk=review.pk) == {**before, "note": ""}
    of_young = Review.objects.filter(screening=row(young))
    assert list(of_young.values_list("note", flat=True)) == ["first", "second"]
    with django_capture_on_commit_callbacks(execute=True):
        young.delete()
    assert not Review.objects.exclude(note="").exists() and Review.objects.count() == 3


def test_the_note_of_a_decision_about_many_goes_with_the_last_of_its_texts(
    django_capture_on_commit_callbacks: Any,
) -> None:
    notes = [note("you idiot"), note("you idiot, too")]
    job = BulkDecision.objects.create(decision="uphold", chosen="selected", note="call 555-0100")
    other = BulkDecision.objects.create(decision="uphold", chosen="selected", note="of nobody else")
    for each in notes:
        BulkItem.objects.create(bulk=job, screening=row(each), state="decided")
    with django_capture_on_commit_callbacks(execute=True):
        notes[0].delete()
    assert BulkDecision.objects.get(pk=job.pk).note == "call 555-0100"
    with django_capture_on_commit_callbacks(execute=True):
        notes[1].delete()
    assert BulkDecision.objects.get(pk=job.pk).note == ""
    assert BulkDecision.objects.get(pk=other.pk).note == "of nobody else"


def test_notes_on_authors_end_and_the_audit_trail_keeps_that_there_were_any(settings: Any) -> None:
    author, ann = Author(name="guest"), User.objects.create_user("ann")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda now=timezone.now: now() - timedelta(days=31))
        author_notes.add(author, "was rude on the phone", ann)
    author_notes.add(author, "has apologised", ann)
    run()
    assert [each.text for each in AuthorNote.objects.all()] == ["has apologised"]
    assert AuditEntry.objects.filter(action="author.noted").count() == 2
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": None}
    retention.blank_due()
    assert AuthorNote.objects.count() == 1
