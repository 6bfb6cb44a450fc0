"""What we hid and somebody shows again: an accident is undone, a person's decision stands."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_init
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_comments.models import Comment

from moderation.audit import Action
from moderation.discovery.search import remember_starts
from moderation.models import AuditEntry, Discovery, ModelVersion, Screening
from moderation.review import decisions
from moderation.visibility import releasing
from moderation.visibility.releasing import release
from moderation.worker.sweep import sweep
from mysite.articles.models import Article
from tests.forum.models import Letter, LongPost, Note, Post
from tests.moderation.conftest import load_by_words, make_version, screen

pytestmark = pytest.mark.django_db
HELD = "I kill you"


@pytest.fixture(autouse=True)
def start(version: ModelVersion) -> None:
    remember_starts()


def only() -> Screening:
    return Screening.objects.get(is_current=True)


@pytest.fixture
def stale(start: None) -> Note:
    """A note as it was loaded before it was held."""
    Note.objects.create(text=HELD)
    note = Note.objects.get()
    screen()
    assert Note.objects.get().state == "withheld"
    return note


def compare() -> int:
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    return sweep(load=load_by_words).found.shown


def test_a_stale_save_does_not_bring_a_held_comment_back(stale: Note) -> None:
    stale.save()
    assert Note.objects.get().state == "withheld"
    assert stale.state == "withheld"
    assert (only().hidden_by_us, only().released) == (True, None)
    stale.save()
    assert Note.objects.get().state == "withheld"


def test_nor_does_one_that_names_its_columns_or_leaves_the_text_out(stale: Note) -> None:
    stale.save(update_fields=["state"])
    assert Note.objects.get().state == "withheld"
    Note.objects.update(state="published")
    other = Note.objects.defer("text").get()
    other.save()
    assert Note.objects.get().state == "withheld"


def test_nor_does_one_of_an_instance_that_was_made_by_hand(stale: Note) -> None:
    Note(pk=stale.pk, text=HELD, state="published").save(force_update=True)
    assert Note.objects.get().state == "withheld"


def test_nor_does_a_stale_save_of_what_a_person_hid(stale: Note) -> None:
    decisions.decide(only().pk, reviewer=User.objects.create_user("ann"), kind="uphold")
    stale.save()
    assert Note.objects.get().state == "withheld"


def test_nor_does_the_stale_save_of_a_child() -> None:
    post = LongPost.objects.create(body=HELD)
    screen()
    Post.objects.update(is_visible=True)
    other = LongPost.objects.get(pk=post.pk)
    Post.objects.update(is_visible=False)
    other.save()
    assert Post.objects.get().is_visible is False


def test_a_stale_save_with_another_text_stays_hidden_as_any_edit(stale: Note) -> None:
    stale.text = "how nice"
    stale.save()
    assert Note.objects.get().state == "withheld"
    assert only().queued_for == "edited"


def test_what_a_person_released_in_the_queue_may_be_saved_visible(stale: Note) -> None:
    decisions.decide(only().pk, reviewer=User.objects.create_user("ann"), kind="false_positive")
    stale.save()
    assert Note.objects.get().state == "published"


def test_what_the_site_hid_itself_is_the_sites_to_show() -> None:
    """Unless it is held, too: see test_wanted_state.py."""
    Note.objects.create(text="you idiot", state="withheld")
    screen()
    assert compare() == 0
    assert Note.objects.get().state == "withheld"
    note = Note.objects.get()
    note.state = "published"
    note.save()
    assert Note.objects.get().state == "published"


def test_whoever_saw_that_it_was_hidden_and_shows_it_decides(stale: Note) -> None:
    note = Note.objects.get()
    note.state = "published"
    note.save()
    assert Note.objects.get().state == "published"
    row = only()
    assert row.released is not None
    assert (row.hidden_by_us, row.action_pending, row.is_open) == (False, False, True)
    entry = AuditEntry.objects.get(action=Action.VISIBILITY_RELEASED)
    assert (entry.target_id, entry.before["verdict"]) == (str(row.pk), "held")


def test_no_machine_hides_again_what_was_released(stale: Note) -> None:
    note = Note.objects.get()
    note.state = "published"
    note.save()
    stale.save()
    assert compare() == 0
    from moderation.rescreening import apply, runs
    from tests.moderation.test_rescreen import begin, constant, go

    candidate = make_version("2")
    with runs.exclusive_run() as lease:
        go(begin(candidate), lease, load=constant(0.99))
        scope = runs.Scope(runs.ScreeningRun.Kind.RESCREEN, candidate)
        assert apply.act(candidate, scope, lease).reviewed == 1
    assert Note.objects.get().state == "published"


def test_a_decision_in_the_queue_takes_the_place_of_a_release(stale: Note) -> None:
    note = Note.objects.get()
    note.state = "published"
    note.save()
    decisions.decide(only().pk, reviewer=User.objects.create_user("ann"), kind="uphold")
    assert Note.objects.get().state == "withheld"
    assert (only().released, only().hidden_by_us) == (None, True)


def test_the_edit_of_what_was_released_is_screened_like_any(stale: Note) -> None:
    note = Note.objects.get()
    note.state = "published"
    note.save()
    note.text = "how nice"
    note.save()
    assert (only().queued_for, only().released) == ("", None)
    assert Note.objects.get().state == "published"


def test_showing_it_together_with_another_text_is_an_edit_that_waits_for_a_person(stale: Note) -> None:
    note = Note.objects.get()
    note.text, note.state = "how nice", "published"
    note.save()
    assert Note.objects.get().state == "withheld"
    assert only().queued_for == "edited"


def test_a_column_that_is_not_saved_releases_nothing(stale: Note) -> None:
    note = Note.objects.get()
    note.state = "published"
    note.save(update_fields=["text"])
    assert Note.objects.get().state == "withheld"
    assert only().released is None


def test_the_sites_own_admin_releases_for_good(version: ModelVersion, client: Client) -> None:
    """django-contrib-comments as it is: a moderator ticks *is public*, or approves."""
    article = Article.objects.earliest("pk")
    comment = Comment.objects.create(content_object=article, site_id=1, comment=HELD, user_name="Bob")
    screen()
    assert Comment.objects.get().is_public is False
    client.force_login(User.objects.create_superuser("ann"))
    answer = client.post(
        "/admin/django_comments/comment/",
        {"action": "approve_comments", "_selected_action": [comment.pk]},
    )
    assert answer.status_code == 302
    assert Comment.objects.get().is_public is True
    assert only().released is not None
    assert compare() == 0
    assert Comment.objects.get().is_public is True


@pytest.mark.parametrize("written", ["I kill\nyou", " I kill\n\nyou \n", "I kill\ryou", "I kill\r\nyou"])
def test_a_comment_shown_by_its_form_in_the_admin_stays_whatever_the_form_does_to_its_line_ends(
    version: ModelVersion, client: Client, written: str
) -> None:
    article = Article.objects.earliest("pk")
    comment = Comment.objects.create(content_object=article, site_id=1, comment=written, user_name="Bob")
    screen()
    assert Comment.objects.get().is_public is False
    client.force_login(User.objects.create_superuser("ann"))
    address = f"/admin/django_comments/comment/{comment.pk}/change/"
    form = client.get(address).context["adminform"].form
    given = {name: form[name].value() for name in form.fields}
    day, time = str(given.pop("submit_date").replace(tzinfo=None)).split()
    data = {name: value for name, value in given.items() if value not in (None, False)}
    # as a browser sends what stands in a textarea
    data["comment"] = re.sub(r"\r\n|\r|\n", "\r\n", written)
    times = {"submit_date_0": day, "submit_date_1": time[:8]}
    answer = client.post(address, {**data, **times, "is_public": "on"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert Comment.objects.get().is_public is True
    assert Screening.objects.count() == 1 and only().released is not None
    assert compare() == 0
    assert Comment.objects.get().is_public is True
    decisions.decide(only().pk, reviewer=User.objects.get(), kind="uphold")
    assert Comment.objects.get().is_public is False


def test_a_change_within_a_line_is_an_edit(stale: Note) -> None:
    for text in ("I  kill you", "I kill\nyou", "I kill\n\nyou", "I kill you."):
        note = Note.objects.get()
        note.text = text
        note.save()
        assert only().text == text


def test_shown_behind_the_orm_it_is_hidden_again_once_and_said_so(stale: Note) -> None:
    Note.objects.update(state="published")
    assert compare() == 1
    assert Note.objects.get().state == "withheld"
    assert AuditEntry.objects.get(action=Action.VISIBILITY_HIDDEN_AGAIN).target_id == str(only().pk)
    assert (only().hidden_by_us, only().released) == (True, None)


def test_shown_behind_the_orm_a_second_time_it_stays(stale: Note) -> None:
    for _ in range(2):
        Note.objects.update(state="published")
        compare()
    assert Note.objects.get().state == "published"
    assert only().released is not None
    assert compare() == 0


def test_the_comparison_leaves_alone_what_is_as_it_should_be(stale: Note) -> None:
    Note.objects.create(text="hello")
    screen()
    assert compare() == 0
    Note.objects.filter(text=HELD).update(state="archived")
    assert compare() == 0
    assert set(Note.objects.values_list("state", flat=True)) == {"archived", "published"}


def test_the_sites_own_code_can_release_on_a_persons_word(stale: Note) -> None:
    ann = User.objects.create_user("ann")
    assert release(stale, user=ann) is True
    assert Note.objects.get().state == "published"
    assert (only().hidden_by_us, only().action_pending) == (False, False)
    assert AuditEntry.objects.get(action=Action.VISIBILITY_RELEASED).username == "ann"
    assert release(stale, user=ann) is False
    stale.save()
    assert compare() == 0
    assert Note.objects.get().state == "published"


def test_after_update_by_the_site_a_release_is_what_makes_it_stay(stale: Note) -> None:
    Note.objects.update(state="published")
    assert release(stale) is True
    assert only().hidden_by_us is False
    assert compare() == 0
    assert Note.objects.get().state == "published"


@pytest.mark.django_db(transaction=True)
def test_what_a_callable_hid_is_released_by_a_callable(version: ModelVersion) -> None:
    letter = Letter.objects.create(text=HELD)
    screen()
    assert Letter.objects.get().is_withdrawn is True
    assert release(letter) is True
    assert Letter.objects.get().is_withdrawn is False
    assert (only().hidden_by_us, only().action_pending) == (False, False)


def test_what_is_not_hidden_can_not_be_released() -> None:
    note = Note.objects.create(text="hello")
    screen()
    assert release(note) is False
    assert release(User.objects.create_user("ann")) is False


def test_what_waits_for_its_verdict_and_is_shown_by_a_person_stays(version: ModelVersion) -> None:
    Post.objects.create(body=HELD)
    post = Post.objects.get()
    assert post.is_visible is False
    post.is_visible = True
    post.save()
    screen()
    assert Post.objects.get().is_visible is True
    assert (only().verdict, only().is_open) == ("held", True)


def test_the_instance_that_we_hid_at_its_save_does_not_come_back_by_its_next_one() -> None:
    post = Post.objects.create(body="hello")
    post.is_visible = True  # as code does that never saw it hidden
    post.save()
    assert Post.objects.get().is_visible is False


def test_a_save_that_brings_nothing_back_costs_no_further_query(stale: Note) -> None:
    note = Note.objects.create(text="hello")
    with CaptureQueriesContext(connection) as queries:
        note.save()
    asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert [sql.split()[0] for sql in asked] == ["UPDATE", "SELECT"]
    assert 'FROM "moderation_screening"' in asked[1]


def test_only_models_hidden_by_field_are_watched_when_they_are_loaded(settings: Any) -> None:
    assert post_init.has_listeners(Note)
    assert not post_init.has_listeners(Letter)
    assert not post_init.has_listeners(User)
    settings.MODERATION = {**settings.MODERATION, "MODELS": {"forum.Note": {"text": "text"}}}
    assert not post_init.has_listeners(Note)


def test_an_error_of_ours_lets_the_save_be(stale: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(releasing, "look_at_save", fail)
    stale.save()
    assert compare() == 1
    assert Note.objects.get().state == "withheld"


def test_nothing_is_left_of_it_for_a_fixture(stale: Note, tmp_path: Any) -> None:
    """`loaddata` writes what the file says; the comparison finds it."""
    call_command("dumpdata", "forum.Note", output=str(tmp_path / "notes.json"))
    path = tmp_path / "notes.json"
    path.write_text(path.read_text().replace("withheld", "published"))
    call_command("loaddata", str(path), verbosity=0)
    assert Note.objects.get().state == "published"
    assert compare() == 1
    assert Note.objects.get().state == "withheld"
