"""What the site itself shows and hides after a decision is told as it is, and the label can follow."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_comments.models import Comment

from moderation.models import ModelVersion, Review, Screening
from moderation.review import decisions
from moderation.review.decisions import NotAllowed, decide
from moderation.visibility.live_state import LiveState, live_state, live_states
from mysite.articles.models import Article
from tests.forum.models import Note, Post
from tests.moderation.conftest import screen
from tests.moderation.test_queue import decide as decide_on_page
from tests.moderation.test_queue import open_page, queued, staff
from tests.moderation.test_reviewing import is_visible, screened

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(version: ModelVersion) -> User:
    return User.objects.create_user("ann", is_staff=True)


def shown_by_the_site(screening: Screening, *, is_shown: bool) -> None:
    """As a form of the site's own does it: the object is loaded, changed and saved."""
    post = Post.objects.get(pk=screening.object_id)
    post.is_visible = is_shown
    post.save()


def badge(page: str) -> str:
    (words,) = re.findall(r"moderation-badge[^>]*>(.*?)</span>", page)
    return unescape(words)


def test_the_state_of_an_object_is_what_the_site_shows(version: ModelVersion) -> None:
    visible, hidden, gone = screened("one"), screened("two"), screened("three")
    Post.objects.filter(pk=hidden.object_id).update(is_visible=False)
    Post.objects.filter(pk=gone.object_id).delete()
    draft = Note.objects.create(text="a draft", state="draft")
    screen()
    of_a_draft = Screening.objects.get(object_id=str(draft.pk), content_type__model="note")
    imported = queued("of no object")
    assert live_states([visible, hidden, gone, of_a_draft, imported]) == {
        visible.pk: LiveState.VISIBLE,
        hidden.pk: LiveState.HIDDEN,
        gone.pk: LiveState.GONE,
        of_a_draft.pk: LiveState.HIDDEN,
        imported.pk: LiveState.UNKNOWN,
    }


def test_of_what_is_hidden_by_callables_nobody_knows(version: ModelVersion, settings: Any) -> None:
    how = {"hide": "tests.forum.rules.hide", "show": "tests.forum.rules.show"}
    settings.MODERATION = {"MODELS": {"forum.Post": {"text": "body", "hide": how}}}
    screening = screened("one")
    assert live_state(screening) is LiveState.UNKNOWN
    Post.objects.filter(pk=screening.object_id).delete()
    assert live_state(screening) is LiveState.GONE


def test_a_page_of_items_takes_one_query_for_a_model(version: ModelVersion) -> None:
    rows = [screened(f"text {number}") for number in range(8)]
    live_states(rows)
    with CaptureQueriesContext(connection) as captured:
        live_states(rows)
    assert len(captured) == 1


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("uphold", "hidden", "shown by the site"), ("false_positive", "shown", "hidden by the site")],
)
def test_the_badge_says_what_the_site_shows(ann: User, kind: str, before: str, after: str) -> None:
    screening = screened("you idiot")
    decide(screening.pk, reviewer=ann, kind=kind)
    ben = staff("ben", "review_screening")
    assert badge(open_page(ben, "?state=decided")) == before
    shown_by_the_site(screening, is_shown=kind == "uphold")
    for page in ("?state=decided", f"{screening.pk}/change/"):
        assert badge(open_page(ben, page)) == after


def test_what_the_site_showed_and_hid_again_has_one_badge_that_is_true(version: ModelVersion) -> None:
    screening = screened("I kill you")
    Screening.objects.filter(pk=screening.pk).update(released=timezone.now())
    ben = staff("ben", "review_screening")
    for is_shown, said in ((True, "shown by the site"), (False, "hidden by the site")):
        shown_by_the_site(screening, is_shown=is_shown)
        page = open_page(ben, f"{screening.pk}/change/")
        assert badge(page) == said
        assert "not public now" not in page


def test_what_is_gone_is_said_to_be_gone(ann: User) -> None:
    screening = screened("you idiot")
    decide(screening.pk, reviewer=ann, kind="uphold")
    Post.objects.filter(pk=screening.object_id)._raw_delete("default")
    assert badge(open_page(staff("ben", "review_screening"), f"{screening.pk}/change/")) == "gone"


def test_the_label_follows_what_the_site_shows(ann: User) -> None:
    screening = screened("you idiot")
    decide(screening.pk, reviewer=ann, kind="uphold")
    shown_by_the_site(screening, is_shown=True)
    ben = staff("ben", "review_screening")
    page = open_page(ben, f"{screening.pk}/change/")
    assert "The site shows it now" in page and "Let the label follow" in page
    decide_on_page(ben, screening, kind="false_positive", seen_number="1")
    standing = decisions.ground_truth(screening)
    assert standing is not None and (standing.decision, standing.reviewer_name) == ("false_positive", "ben")
    assert is_visible(screening)
    page = open_page(ben, f"{screening.pk}/change/")
    assert badge(page) == "shown" and "Let the label follow" not in page


def test_the_moderator_says_why_the_site_hides_it(ann: User) -> None:
    screening = screened("you idiot")
    decide(screening.pk, reviewer=ann, kind="false_positive")
    shown_by_the_site(screening, is_shown=False)
    ben = staff("ben", "review_screening")
    page = open_page(ben, f"{screening.pk}/change/")
    assert "The site does not show it now" in page and "Say why it is hidden" in page
    decide_on_page(ben, screening, kind="other_reason", reason="private_data", seen_number="1")
    standing = decisions.ground_truth(screening)
    assert standing is not None and (standing.reason, standing.reviewer_name) == ("private_data", "ben")
    assert not is_visible(screening) and badge(open_page(ben, f"{screening.pk}/change/")) == "hidden"


@pytest.mark.parametrize("is_overruled", [True, False])
def test_a_colleague_follows_the_site_and_nothing_else(ann: User, is_overruled: bool) -> None:
    screening = screened("you idiot")
    decide(screening.pk, reviewer=ann, kind="uphold")
    if is_overruled:
        shown_by_the_site(screening, is_shown=True)
    kind, reason = ("other_reason", "spam") if is_overruled else ("false_positive", "")
    with pytest.raises(NotAllowed):
        decide(
            screening.pk, reviewer=User.objects.create_user("ben"), kind=kind, reason=reason, seen_number=1
        )
    assert Review.objects.count() == 1


def test_an_action_that_is_still_to_be_carried_out_is_no_overruling(ann: User) -> None:
    screening = screened("you idiot")
    Post.objects.filter(pk=screening.object_id).update(body="changed behind the ORM")
    decide(screening.pk, reviewer=ann, kind="uphold")
    assert Screening.objects.get(pk=screening.pk).action_pending
    page = open_page(staff("ben", "review_screening"), f"{screening.pk}/change/")
    assert badge(page) == "will be hidden" and "Let the label follow" not in page


def test_the_item_says_who_of_the_staff_changed_the_object(ann: User) -> None:
    screening = screened("you idiot")
    decide(screening.pk, reviewer=ann, kind="uphold")
    editor = User.objects.create_user("edith", is_staff=True)
    kind = ContentType.objects.get_for_model(Post)
    LogEntry.objects.create(
        user=editor, content_type=kind, object_id=screening.object_id, object_repr="x", action_flag=CHANGE
    )
    ben = staff("ben", "review_screening")
    assert "edith" not in open_page(ben, f"{screening.pk}/change/")
    shown_by_the_site(screening, is_shown=True)
    page = open_page(ben, f"{screening.pk}/change/")
    assert "by edith" in page and "was changed in the site&#x27;s admin" in page.replace("'", "&#x27;")


def test_the_message_names_the_object_and_what_became_of_it(version: ModelVersion) -> None:
    for text in ("first", "you idiot", "you big idiot"):
        Post.objects.create(body=text)
    Post.objects.get(body="first").delete()
    screen()
    ben = staff("ben", "review_screening")
    first, second = Screening.objects.filter(text__contains="idiot").order_by("id")
    assert f"Post {first.object_id} is hidden" in decide_on_page(ben, first, kind="uphold")
    Post.objects.filter(pk=second.object_id).update(is_visible=False)
    said = decide_on_page(ben, second, kind="false_positive")
    assert f"Post {second.object_id} is recorded; the site itself keeps it hidden" in said


def test_a_comment_that_was_removed_is_not_said_to_be_shown(version: ModelVersion, client: Client) -> None:
    """django-contrib-comments' *Remove selected comments*: it is not public, nor shown where it is."""
    article = Article.objects.earliest("pk")
    comment = Comment.objects.create(content_object=article, site_id=1, comment="you idiot", user_name="Bob")
    screen()
    screening = Screening.objects.get(is_current=True)
    client.force_login(User.objects.create_superuser("root"))
    client.post(
        "/admin/django_comments/comment/",
        {"action": "remove_comments", "_selected_action": [comment.pk]},
    )
    said = decide_on_page(client, screening, kind="false_positive")
    assert "the site itself keeps it hidden" in said
    page = open_page(client, f"{screening.pk}/change/")
    assert badge(page) == "hidden by the site" and "See it on the site" not in page


def test_the_link_to_the_site_is_offered_where_the_site_shows_it(
    version: ModelVersion, client: Client
) -> None:
    article = Article.objects.earliest("pk")
    Comment.objects.create(content_object=article, site_id=1, comment="I kill you", user_name="Bob")
    Comment.objects.create(content_object=article, site_id=1, comment="you idiot", user_name="Bob")
    screen()
    client.force_login(User.objects.create_superuser("root"))
    held, flagged = Screening.objects.filter(is_current=True).order_by("id")
    assert "See it on the site" in open_page(client, f"{flagged.pk}/change/")
    assert "See it on the site" not in open_page(client, f"{held.pk}/change/")
    decide_on_page(client, held, kind="false_positive")
    assert "See it on the site" in open_page(client, f"{held.pk}/change/")
