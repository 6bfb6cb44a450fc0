"""What the site should show against what it shows, whoever hid it, however it is shown, whatever hides it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.utils import timezone

from moderation import registry
from moderation.audit import Action
from moderation.discovery.search import include_existing, remember_starts
from moderation.models import AuditEntry, Discovery, ModelVersion, Screening
from moderation.review import decisions
from moderation.visibility.releasing import release
from moderation.worker.sweep import sweep
from tests.forum.models import Letter, LongPost, Note, Post
from tests.moderation.conftest import load_by_words, screen

pytestmark = pytest.mark.django_db
HELD = "I kill you"
NOTE = {"text": "text", "hide": {"field": "state", "hidden": "withheld", "visible": "published"}}
POST = {"text": "body", "hide": {"field": "is_visible", "hidden": False}}


@pytest.fixture(autouse=True)
def start(version: ModelVersion) -> None:
    remember_starts()


def only() -> Screening:
    return Screening.objects.get(is_current=True)


def compare() -> int:
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    return sweep(load=load_by_words).found.shown


def decide(kind: str) -> None:
    decisions.decide(only().pk, reviewer=User.objects.create_user("ann"), kind=kind)


def register(settings: Any, **models: dict[str, Any] | None) -> None:
    """Register, in place of all others, models of the forum."""
    settings.MODERATION = {
        **settings.MODERATION,
        "MODELS": {f"forum.{name}": given for name, given in models.items()},
    }


@pytest.fixture
def draft() -> Note:
    """Held while it was a draft."""
    Note.objects.create(text=HELD, state="draft")
    screen()
    assert (only().verdict, only().hidden_by_us) == ("held", False)
    return Note.objects.get()


@pytest.fixture
def post(settings: Any) -> Post:
    """Held and hidden by us, and public before there was a verdict."""
    register(settings, Post=POST)
    Post.objects.create(body=HELD)
    screen()
    assert Post.objects.get().is_visible is False
    return Post.objects.get()


# --- drafts ---------------------------------------------------------------------------------------


@pytest.mark.regression("H2")
def test_a_held_draft_is_hidden_in_the_save_that_publishes_it(draft: Note) -> None:
    draft.state = "published"
    draft.save()
    assert (Note.objects.get().state, draft.state) == ("withheld", "withheld")
    assert (only().hidden_by_us, only().released) == (True, None)
    draft.state = "published"
    draft.save()
    assert Note.objects.get().state == "withheld"
    decide("false_positive")
    assert Note.objects.get().state == "published"


@pytest.mark.regression("H2")
@pytest.mark.parametrize("columns", [["is_visible"], None])
def test_so_is_one_whose_column_knows_no_drafts(settings: Any, columns: list[str] | None) -> None:
    register(settings, Post=POST)
    Post.objects.create(body=HELD, is_visible=False)
    screen()
    post = Post.objects.get()
    post.is_visible = True
    post.save(update_fields=columns)
    assert Post.objects.get().is_visible is False
    assert (only().hidden_by_us, only().released) == (True, None)
    post.is_visible = True  # nobody has read since then that it is hidden
    post.save(update_fields=columns)
    assert Post.objects.get().is_visible is False


@pytest.mark.regression("H2")
def test_what_was_hidden_at_its_publication_is_a_moderators_to_show(draft: Note) -> None:
    draft.state = "published"
    draft.save()
    note = Note.objects.get()
    note.state = "published"
    note.save()
    assert Note.objects.get().state == "published"
    assert AuditEntry.objects.filter(action=Action.VISIBILITY_RELEASED).count() == 1


@pytest.mark.regression("H2")
def test_a_held_draft_that_is_published_behind_the_orm_is_hidden_by_the_comparison(draft: Note) -> None:
    Note.objects.update(state="published")
    assert compare() == 1
    assert Note.objects.get().state == "withheld"
    assert only().hidden_by_us is True
    assert AuditEntry.objects.filter(action=Action.VISIBILITY_HIDDEN_LATE).count() == 1
    assert not AuditEntry.objects.filter(action=Action.VISIBILITY_HIDDEN_AGAIN).exists()
    assert compare() == 0


@pytest.mark.regression("H2")
def test_a_draft_stays_a_draft(draft: Note) -> None:
    draft.save()
    assert compare() == 0
    assert Note.objects.get().state == "draft"


@pytest.mark.regression("H2")
def test_a_draft_that_a_person_hid_is_hidden_when_it_is_published(draft: Note) -> None:
    decide("uphold")
    draft.state = "published"
    draft.save()
    assert Note.objects.get().state == "withheld"


@pytest.mark.regression("H2")
@pytest.mark.parametrize("how", ["decided", "released"])
def test_a_draft_that_a_person_let_pass_is_the_authors_to_publish(draft: Note, how: str) -> None:
    if how == "decided":
        decide("false_positive")
    else:
        assert release(draft) is True
    assert (draft.state, Note.objects.get().state) == ("draft", "draft")
    draft.state = "published"
    draft.save()
    assert compare() == 0
    assert Note.objects.get().state == "published"


@pytest.mark.regression("H2")
def test_an_edit_of_a_held_draft_that_publishes_it_is_hidden(draft: Note) -> None:
    draft.text, draft.state = "how nice", "published"
    draft.save()
    assert Note.objects.get().state == "withheld"
    assert (only().queued_for, only().hidden_by_us) == ("edited", True)


@pytest.mark.regression("H2")
def test_a_draft_that_waits_for_its_verdict_is_hidden_when_it_is_published(settings: Any) -> None:
    register(settings, Post={**POST, "while_pending": "hide"})
    Post.objects.create(body="hello", is_visible=False)
    assert (only().status, only().hidden_by_us) == ("pending", False)
    post = Post.objects.get()
    post.is_visible = True
    post.save()
    assert Post.objects.get().is_visible is False
    screen()
    assert Post.objects.get().is_visible is True


@pytest.mark.regression("H2")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("saved", [True, False])
def test_what_the_sites_callable_found_hidden_is_hidden_once_it_is_shown(saved: bool) -> None:
    Letter.objects.create(text=HELD, is_withdrawn=True)
    screen()
    assert (only().hidden_by_us, only().action_pending) == (False, False)
    letter = Letter.objects.get()
    letter.is_withdrawn = False
    if saved:
        letter.save()
        sweep(load=load_by_words)
    else:
        Letter.objects.update(is_withdrawn=False)
        compare()
    assert Letter.objects.get().is_withdrawn is True
    assert only().hidden_by_us is True


# --- workers with other settings ------------------------------------------------------------------


@pytest.mark.regression("H3")
@pytest.mark.parametrize("known_as", [None, {"text": "text"}])
def test_what_a_worker_with_old_settings_held_is_hidden_once_one_with_new_ones_looks(
    settings: Any, known_as: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Note.objects.create(text=HELD)
    with monkeypatch.context() as patch:  # a worker that was not restarted
        others = {label: given for label, given in registry._decorated.items() if label != "forum.Note"}
        patch.setattr(registry, "_decorated", others)  # put back whole: the order is the commands' order
        register(settings, **({} if known_as is None else {"Note": known_as}))
        screen()
        sweep(load=load_by_words)
        assert (only().verdict, Note.objects.get().state) == ("held", "published")
    register(settings)  # it was restarted: the decorator counts
    if known_as is None:
        sweep(load=load_by_words)
    else:
        compare()
    assert Note.objects.get().state == "withheld"
    assert (only().hidden_by_us, only().action_pending) == (True, False)


@pytest.mark.regression("H3")
@pytest.mark.django_db(transaction=True)
def test_so_is_what_the_sites_callables_have_to_hide(settings: Any) -> None:
    register(settings, Letter={"text": "text"})
    Letter.objects.create(text=HELD)
    screen()
    assert Letter.objects.get().is_withdrawn is False
    register(settings)
    compare()
    assert Letter.objects.get().is_withdrawn is True


@pytest.mark.regression("H3")
def test_what_is_hidden_without_need_is_shown_by_the_comparison() -> None:
    Note.objects.create(text=HELD)
    screen()
    Screening.objects.update(verdict="clear")  # and the worker that stored it had other settings
    compare()
    assert Note.objects.get().state == "published"
    assert only().hidden_by_us is False


@pytest.mark.regression("H2", "H3")
def test_what_was_public_before_moderation_stays_so_until_it_has_a_verdict(settings: Any) -> None:
    from moderation.screening.snapshots import new_screening

    register(settings, Post={**POST, "while_pending": "hide"})
    post = Post.objects.create(body="hello")
    Post.objects.update(is_visible=True)
    entry = registry.for_model(Post)
    assert entry is not None
    Screening.objects.all().delete()
    new_screening(entry, post, Screening.Priority.LOW).save()  # as `rescreen --existing` does
    Screening.objects.update(retry_at=timezone.now() + timedelta(hours=1))
    compare()
    Post.objects.get().save()
    assert Post.objects.get().is_visible is True


# --- proxies --------------------------------------------------------------------------------------


@pytest.mark.regression("H4")
def test_a_proxy_is_refused_with_the_name_of_what_to_register(settings: Any) -> None:
    register(settings, ShoutedPost=POST)
    (error,) = [found for found in run_checks() if found.id == "moderation.E022"]
    assert "forum.ShoutedPost" in error.msg
    assert "forum.Post" in str(error.hint)
    assert registry.get("forum.ShoutedPost") is None


@pytest.mark.regression("H4")
def test_what_is_saved_through_a_proxy_of_a_registered_model_is_hidden() -> None:
    from tests.forum.models import ShoutedPost

    ShoutedPost.objects.create(body=HELD)
    screen()
    assert (Post.objects.get().is_visible, only().hidden_by_us) == (False, True)


# --- who could know -------------------------------------------------------------------------------


def _only(key: int) -> Post:
    return Post.objects.only("pk", "body").get(pk=key)


def _deferred(key: int) -> Post:
    return Post.objects.defer("is_visible").get(pk=key)


def _deferred_and_read(key: int) -> Post:
    post = Post.objects.defer("is_visible").get(pk=key)
    assert post.is_visible is False
    return post


def _refreshed(key: int) -> Post:
    post = Post(pk=key, body=HELD, is_visible=True)
    post.refresh_from_db()
    return post


def _refreshed_in_part(key: int) -> Post:
    post = Post(pk=key, body=HELD, is_visible=True)
    post._state.adding = False
    post.refresh_from_db(None, ["is_visible"])
    return post


def _by_its_child(key: int) -> Post:
    return LongPost.objects.select_related("post_ptr").get(pk=key).post_ptr


def _child(key: int) -> Post:
    return LongPost.objects.only("summary").get(pk=key)


def _another_alias(key: int) -> Post:
    return Post.objects.using("default").get(pk=key)


def _pickled(key: int) -> Post:
    post: Post = pickle.loads(pickle.dumps(Post.objects.get(pk=key)))  # noqa: S301
    return post


def _raw(key: int) -> Post:
    return Post.objects.raw("SELECT id, body FROM forum_post WHERE id = %s", [key])[0]


READ = [
    *(_only, _deferred, _deferred_and_read, _refreshed, _refreshed_in_part),
    *(_by_its_child, _child, _another_alias, _pickled, _raw),
]


@pytest.mark.regression("M1")
@pytest.mark.parametrize("read", READ)
def test_whoever_reads_it_hidden_in_whatever_way_and_shows_it_decides(
    settings: Any, read: Callable[[int], Post]
) -> None:
    register(settings, Post=POST)
    key = LongPost.objects.create(body=HELD).pk
    screen()
    assert Post.objects.get().is_visible is False
    post = read(key)
    post.is_visible = True
    post.save(update_fields=["is_visible"])
    assert Post.objects.get().is_visible is True
    assert only().released is not None


@pytest.mark.regression("M1")
def test_whoever_refreshes_it_hidden_and_shows_it_decides_in_a_task_of_asyncio_too(post: Post) -> None:
    from asgiref.sync import async_to_sync

    stale = Post(pk=post.pk, body=HELD, is_visible=True)
    async_to_sync(stale.arefresh_from_db)()
    stale.is_visible = True
    stale.save()
    assert Post.objects.get().is_visible is True


@pytest.mark.regression("M1")
def test_whoever_reads_it_visible_after_he_read_it_hidden_knows_of_no_later_hiding(post: Post) -> None:
    Post.objects.update(is_visible=True)
    post.refresh_from_db()
    Post.objects.update(is_visible=False)
    post.save()
    assert Post.objects.get().is_visible is False
    assert only().released is None


@pytest.mark.regression("M1")
def test_neither_does_whoever_saved_it_visible_himself_before_it_was_held(settings: Any) -> None:
    register(settings, Post=POST)
    Post.objects.create(body=HELD, is_visible=False)
    post = Post.objects.get()
    post.is_visible = True
    post.save()
    screen()
    assert Post.objects.get().is_visible is False
    post.save()
    assert Post.objects.get().is_visible is False
    assert only().released is None


@pytest.mark.regression("M1")
def test_a_save_in_between_that_leaves_it_hidden_takes_nothing_away(post: Post) -> None:
    post.likes = 7
    post.save()
    post.is_visible = True
    post.save()
    assert Post.objects.get().is_visible is True


@pytest.mark.parametrize("value", [1, "1", "True"])
def test_a_value_as_a_form_may_give_it_shows_nothing_by_accident(post: Post, value: Any) -> None:
    Post(pk=post.pk, body=HELD, is_visible=value).save(force_update=True)
    assert Post.objects.get().is_visible is False


def test_an_expression_shows_nothing_by_accident(post: Post) -> None:
    from django.db.models import Value

    Post(pk=post.pk, body=HELD, is_visible=Value(True)).save(force_update=True)
    assert Post.objects.get().is_visible is False


# --- who may say so -------------------------------------------------------------------------------


@pytest.mark.regression("M2", "D1")
def test_where_releases_are_explicit_no_save_shows_it(settings: Any) -> None:
    register(settings, Note={**NOTE, "release": "explicit"})
    Note.objects.create(text=HELD)
    screen()
    for _ in range(2):
        note = Note.objects.get()
        note.state = "published"
        note.save()
        assert (Note.objects.get().state, note.state) == ("withheld", "withheld")
    for _ in range(3):
        Note.objects.update(state="published")
        assert compare() == 1
    assert (Note.objects.get().state, only().released) == ("withheld", None)
    assert only().is_open


@pytest.mark.regression("M2", "D1")
@pytest.mark.parametrize("how", ["decided", "released"])
def test_the_queue_and_release_do(settings: Any, how: str) -> None:
    register(settings, Note={**NOTE, "release": "explicit"})
    Note.objects.create(text=HELD)
    screen()
    if how == "decided":
        decide("false_positive")
    else:
        assert release(Note.objects.get()) is True
    Note.objects.get().save()
    assert compare() == 0
    assert Note.objects.get().state == "published"


@pytest.mark.regression("D1")
@pytest.mark.parametrize("screened", [True, False])
@pytest.mark.parametrize("new_text", ["you are nice", "I kill you slowly"])
def test_a_text_that_was_edited_while_hidden_is_released_by_no_save(
    post: Post, new_text: str, screened: bool
) -> None:
    """As a page editor does: the new text is saved as it stands, hidden, then published by another save."""
    post.body = new_text
    post.save()
    if screened:
        screen()
    for read in (lambda: post, Post.objects.get, Post.objects.only("pk").get):
        shown: Post = read()  # type: ignore[operator]
        shown.is_visible = True
        shown.save(update_fields=["is_visible"] if shown is not post else None)
        assert Post.objects.get().is_visible is False
    for _ in range(3):
        Post.objects.update(is_visible=True)
        assert compare() == 1
    screen()
    assert (only().queued_for, only().released, only().is_open) == ("edited", None, True)


@pytest.mark.regression("D1")
def test_it_is_shown_once_a_person_has_judged_it(post: Post) -> None:
    post.body = "you are nice"
    post.save()
    screen()
    decide("false_positive")
    assert Post.objects.get().is_visible is True
    Post.objects.get().save()
    assert Post.objects.get().is_visible is True


def test_releases_are_by_save_or_explicit(settings: Any) -> None:
    register(settings, Note={**NOTE, "release": "anybody"})
    assert "moderation.E023" in [found.id for found in run_checks()]


# --- columns --------------------------------------------------------------------------------------


@pytest.fixture
def people() -> tuple[User, User]:
    return User.objects.create_user("visible"), User.objects.create_user("hidden")


@pytest.mark.regression("L5")
@pytest.mark.parametrize("name", ["author", "author_id"])
@pytest.mark.parametrize("columns", [None, ["author"], ["author_id"]])
def test_a_foreign_key_hides_like_any_column(
    settings: Any, people: tuple[User, User], name: str, columns: list[str] | None
) -> None:
    visible, hidden = people
    register(
        settings,
        Post={"text": "body", "hide": {"field": name, "hidden": str(hidden.pk), "visible": visible.pk}},
    )
    Post.objects.create(body=HELD, author=visible)
    stale = Post.objects.select_related("author").get()
    screen()
    assert Post.objects.get().author == hidden
    stale.save(update_fields=columns)
    assert (Post.objects.get().author, stale.author) == (hidden, hidden)
    post = Post.objects.get()
    post.author = visible
    post.save(update_fields=columns)
    assert Post.objects.get().author == visible
    assert only().released is not None


@pytest.mark.regression("L5")
@pytest.mark.parametrize(
    "hide",
    [
        {"field": "author", "hidden": "ghost", "visible": 1},
        {"field": "likes", "hidden": "none", "visible": 1},
        {"field": "likes", "hidden": "1", "visible": 1},
    ],
)
def test_values_that_the_column_can_not_hold_or_tell_apart_are_refused(
    settings: Any, hide: dict[str, Any]
) -> None:
    register(settings, Post={"text": "body", "hide": hide})
    assert "moderation.E024" in [found.id for found in run_checks()]


def test_existing_comments_are_found_by_the_comparison_too(draft: Note) -> None:
    Note.objects.update(state="published")
    include_existing()
    for _ in range(3):
        sweep(load=load_by_words)
    assert Note.objects.get().state == "withheld"
