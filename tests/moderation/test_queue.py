"""The queue in the admin: what it lists, what it lets through, what a decision there does."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.admin.queue.tabs import TABS
from moderation.models import (
    LabelScore,
    ModelVersion,
    Review,
    Scoring,
    Screening,
    written_labels,
)
from tests.forum.models import Post
from tests.moderation.conftest import make_version, screen

pytestmark = pytest.mark.django_db
QUEUE = "/admin/moderation/screening/"
THRESHOLDS = {"toxic": 0.5, "threat": 0.5, "insult": 0.5}


def staff(name: str, *permissions: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


def queued(text: str, severity: float = 0.2, **columns: Any) -> Screening:
    """An open item with scores: toxic at `severity` over its threshold, the rest low."""
    columns = {"status": "done", "verdict": "flagged", "queued_for": "flagged", **columns}
    columns = {"source": "import", **columns}
    screening = Screening.objects.create(text=text, severity=severity, sampling_probability=1.0, **columns)
    if columns["status"] == "done":
        scores = {"toxic": 0.5 + severity, "threat": 0.01, "insult": 0.02}
        scoring = Scoring.objects.create(
            screening=screening,
            model_version=ModelVersion.objects.get(is_active=True),
            is_basis=True,
            scores=scores,
            thresholds=THRESHOLDS,
        )
        if severity >= 0:
            LabelScore.objects.create(scoring=scoring, label="toxic", score=scores["toxic"])
            Screening.objects.filter(pk=screening.pk).update(labels=written_labels(["toxic"]))
    return screening


def texts(page: str) -> list[str]:
    """The texts of the listed items, as a reader sees them, in their order."""
    found = re.findall(r'<bdi class="moderation-text" dir="auto">(.*?)</bdi>', page, re.DOTALL)
    return [unescape(re.sub(r"<[^>]*>", "", text)) for text in found]


def open_page(client: Client, query: str = "") -> str:
    response = client.get(QUEUE + query)
    assert response.status_code == 200
    return response.content.decode()


def every_page(client: Client, query: str = "") -> Iterator[str]:
    """The pages of a list, from the one at `query` on, by their links to the next."""
    address: str | None = query
    while address is not None:
        page = open_page(client, address)
        yield page
        following = re.search(r'<a rel="next" href="([^"]+)"', page)
        address = unescape(following[1]) if following else None


def counts(page: str) -> dict[str, int]:
    """{list: its count in the page's tabs}, of those that have any."""
    tabs = re.findall(
        r'<a href="\?(?:[^"]*?state=(\w+))?[^"]*"(?: aria-current="page")?>[^<]*'
        r'<span class="moderation-count" data-tab="\w+">(\d+)</span>',
        page,
    )
    assert len(tabs) == len(TABS)
    return {name or "open": int(count) for name, count in tabs if int(count)}


def decide(client: Client, screening: Screening, **data: Any) -> str:
    response = client.post(f"{QUEUE}{screening.pk}/decide/", data, follow=True)
    assert response.status_code == 200
    return unescape(re.sub(r"<[^>]*>", "", response.content.decode()))


def test_open_items_are_listed_the_most_severe_first(moderator: Client) -> None:
    queued("mild", 0.1)
    queued("worst", 0.45, verdict="held", queued_for="held")
    queued("middling", 0.3)
    queued("harmless", -0.4, verdict="clear", queued_for="")
    queued("replaced", 0.4, is_current=False)
    queued("judged", 0.4, outcome="hide")
    assert texts(open_page(moderator)) == ["worst", "middling", "mild"]


def test_filters_narrow_the_list_to_a_state_a_label_or_a_verdict(moderator: Client) -> None:
    queued("flagged one")
    queued("held one", verdict="held", queued_for="held")
    queued("broken", status="failed", verdict="", queued_for="failed")
    queued("judged", outcome="show")
    queued("clear one", -0.3, verdict="clear", queued_for="")
    assert set(texts(open_page(moderator, "?state=decided"))) == {"judged"}
    assert set(texts(open_page(moderator, "?state=failed"))) == {"broken"}
    assert len(texts(open_page(moderator, "?state=all"))) == 5
    assert set(texts(open_page(moderator, "?label=toxic"))) == {"flagged one", "held one"}
    assert texts(open_page(moderator, "?label=threat")) == []
    assert texts(open_page(moderator, "?verdict__exact=held")) == ["held one"]


def test_a_history_is_listed_the_newest_first(moderator: Client) -> None:
    now = timezone.now()
    for number, text in enumerate(["first", "second", "third"]):
        reviewed = now - timedelta(hours=1) + timedelta(minutes=number)
        queued(text, 0.1 * number, outcome="hide", reviewed=reviewed)
    queued("open", 0.4)
    assert texts(open_page(moderator, "?state=decided")) == ["third", "second", "first"]
    assert texts(open_page(moderator, "?state=all")) == ["open", "third", "second", "first"]


def test_an_item_is_found_by_the_exact_id_of_its_object_or_author(version: ModelVersion) -> None:
    author = User.objects.create_user("rude")
    wanted = Post.objects.create(pk=author.pk + 1000, body="you idiot", author=author)
    Post.objects.create(pk=author.pk + 2000, body="another idiot")
    screen()
    client = staff("ann", "review_screening")
    assert texts(open_page(client, f"?q={wanted.pk}")) == ["you idiot"]
    assert texts(open_page(client, f"?q={author.pk}")) == ["you idiot"]


def test_each_score_is_a_meter_with_its_threshold(moderator: Client) -> None:
    queued("you idiot", 0.3)
    page = open_page(moderator)
    meter = re.search(r'<svg[^>]*role="meter"[^>]*aria-label="toxic"[^>]*>.*?</svg>', page, re.DOTALL)
    assert meter is not None
    for part in ('aria-valuenow="0.80"', 'aria-valuemin="0"', 'aria-valuemax="1"', 'width="80.0%"'):
        assert part in meter[0]
    assert 'x1="50.0%"' in meter[0]
    assert 'class="mark mark-hold" x1="90.0%"' in meter[0] and "held from 0.90" in meter[0]
    labels = ModelVersion.objects.get().labels
    assert re.findall(r'role="meter" aria-label="(\w+)"', page) == labels
    assert re.findall(r'name="label" value="(\w+)"', page) == labels


def test_the_checkboxes_start_with_the_model_s_opinion(moderator: Client) -> None:
    queued("you idiot")
    boxes = dict(
        re.findall(r'<input type="checkbox" name="label" value="(\w+)"( checked)?', open_page(moderator))
    )
    assert boxes == {"toxic": " checked", "threat": "", "insult": ""}


def test_hostile_text_is_escaped_and_its_tricks_are_shown(moderator: Client) -> None:
    queued("<script>alert(1)</script>\u202eidiot\u200b </bdi><form>")
    page = open_page(moderator)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page and "U+202E" in page and "U+200B" in page
    assert "&lt;/bdi&gt;&lt;form&gt;" in page


def test_a_page_has_neither_inline_scripts_nor_inline_styles(moderator: Client) -> None:
    screening = queued("you idiot")
    for page in (open_page(moderator), open_page(moderator, f"{screening.pk}/change/")):
        assert not re.search(r"<style|<script(?![^>]*\bsrc=)[^>]*>\s*\S|\son\w+=|\sstyle=", page)


def test_a_long_text_unfolds_and_a_huge_one_is_read_on_its_own_page(moderator: Client) -> None:
    queued("long " * 1000, 0.3)
    huge = queued("huge " * 200_000, 0.2)
    page = open_page(moderator)
    assert "Show all 5000 characters" in page
    assert "Read all 1000000 characters" in page
    assert len(page) < 200_000
    assert "huge " * 4000 in open_page(moderator, f"{huge.pk}/change/")


def test_the_number_of_queries_does_not_grow_with_the_items(moderator: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            open_page(moderator)
        return len(captured)

    queued("first")
    queued("edited", queued_for="edited", content_type=ContentType.objects.get_for_model(Post), object_id="9")
    queries()
    few = queries()
    for number in range(15):
        queued(f"idiot number {number}")
        edited = {"content_type": ContentType.objects.get_for_model(Post), "object_id": str(100 + number)}
        queued(f"edited {number}", queued_for="edited", **edited)
    assert queries() == few


@pytest.mark.parametrize(
    ("data", "outcome", "labels"),
    [
        ({"kind": "uphold"}, "hide", {"toxic": True, "threat": None, "insult": None}),
        ({"kind": "false_positive"}, "show", {"toxic": False, "threat": False, "insult": False}),
        (
            {"kind": "relabel", "shown": ["toxic", "threat", "insult"], "label": ["threat"]},
            "hide",
            {"toxic": False, "threat": True, "insult": False},
        ),
        (
            {"kind": "relabel", "shown": ["toxic", "threat", "insult"]},
            "show",
            {"toxic": False, "threat": False, "insult": False},
        ),
        (
            {"kind": "other_reason", "reason": "spam"},
            "hide",
            {"toxic": None, "threat": None, "insult": None},
        ),
    ],
)
def test_a_decision_writes_a_review_and_takes_the_item_off_the_list(
    moderator: Client, data: dict[str, Any], outcome: str, labels: dict[str, bool | None]
) -> None:
    screening = queued("you idiot")
    assert f"Import {screening.pk} " in decide(moderator, screening, **data)
    review = Review.objects.get()
    assert (review.reviewer_name, review.outcome, review.labels) == ("ann", outcome, labels)
    assert texts(open_page(moderator)) == []
    assert texts(open_page(moderator, "?state=decided")) == ["you idiot"]


@pytest.mark.parametrize(
    ("data", "touched"),
    [
        ({"kind": "relabel", "label": ["toxic", "insult"]}, ["insult"]),
        ({"kind": "relabel", "label": ["insult"]}, ["toxic", "insult"]),
        ({"kind": "relabel", "label": ["toxic"]}, []),
        ({"kind": "relabel", "label": ["toxic"], "touched": ["threat", "threat", "rude"]}, ["threat"]),
        ({"kind": "relabel", "label": ["insult"], "preset": []}, None),
        ({"kind": "false_positive"}, None),
    ],
)
def test_what_a_person_changed_of_the_boxes_as_they_came_is_recorded(
    moderator: Client, data: dict[str, Any], touched: list[str] | None
) -> None:
    """The form says which boxes were ticked when it came; a script adds those that were set back again."""
    screening = queued("you idiot")
    presets = re.findall(r'<input type="hidden" name="preset" value="(\w*)">', open_page(moderator))
    assert presets == ["", "toxic"]
    decide(moderator, screening, **{"shown": ["toxic", "threat", "insult"], "preset": presets, **data})
    assert Review.objects.get().touched == touched


def test_the_reason_and_the_note_of_a_decision_stand_at_the_item(moderator: Client) -> None:
    screening = queued("buy cheap watches")
    assert 'value="private_data"' in open_page(moderator)
    given = {"kind": "other_reason", "reason": "private_data", "note": " a phone <b>number</b> "}
    assert "(private data)" in decide(moderator, screening, **given)
    assert Review.objects.get().note == "a phone <b>number</b>"
    for page in (open_page(moderator, "?state=decided"), open_page(moderator, f"{screening.pk}/change/")):
        assert "private data" in page and "a phone &lt;b&gt;number&lt;/b&gt;" in page


def test_a_decision_shows_a_held_comment_again(version: ModelVersion) -> None:
    post = Post.objects.create(body="I could kill for a coffee")
    screen()
    screening = Screening.objects.get()
    assert not Post.objects.get(pk=post.pk).is_visible
    decide(staff("ann", "review_screening"), screening, kind="false_positive")
    assert Post.objects.get(pk=post.pk).is_visible


def test_a_comment_that_can_not_be_hidden_yet_is_not_said_to_be_hidden(version: ModelVersion) -> None:
    ann = staff("ann", "review_screening")
    for text in ("you idiot", "you moron idiot"):
        Post.objects.create(body=text)
    screen()
    first, second = Screening.objects.order_by("id")
    assert f"Post {first.object_id} is hidden" in decide(ann, first, kind="uphold")
    Post.objects.filter(body=second.text).update(body="changed behind the ORM")
    assert f"Post {second.object_id} will be hidden" in decide(ann, second, kind="uphold")


def test_after_a_decision_the_queue_keeps_its_filters_and_moves_the_focus_to_the_list(
    moderator: Client,
) -> None:
    screening = queued("you idiot")
    response = moderator.post(f"{QUEUE}{screening.pk}/decide/?label=toxic&p=1", {"kind": "uphold"})
    assert response.status_code == 302
    assert response["Location"] == f"{QUEUE}?label=toxic&p=1#queue"


def test_the_second_of_two_moderators_learns_who_decided_what(moderator: Client) -> None:
    screening = queued("you idiot")
    decide(moderator, screening, kind="false_positive")
    answer = decide(staff("ben", "review_screening"), screening, kind="uphold")
    assert "Not recorded: ann decided this item" in answer
    assert "(false positive, shown)" in answer
    assert Review.objects.get().reviewer_name == "ann"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "banish"},
        {"kind": "relabel", "label": "rude"},
        {"kind": "other_reason"},
        {"kind": "other_reason", "reason": "rude"},
    ],
)
def test_a_forged_form_is_refused_with_a_message(moderator: Client, data: dict[str, str]) -> None:
    screening = queued("you idiot")
    decide(moderator, screening, **data)
    assert not Review.objects.exists()
    assert texts(open_page(moderator)) == ["you idiot"]


def test_a_decision_needs_post_and_a_csrf_token(version: ModelVersion) -> None:
    screening = queued("you idiot")
    client = staff("ann", "review_screening")
    assert client.get(f"{QUEUE}{screening.pk}/decide/").status_code == 302  # to the item
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="ann"))
    assert strict.post(f"{QUEUE}{screening.pk}/decide/", {"kind": "uphold"}).status_code == 403
    assert moderator_not_found(client) == 404
    assert not Review.objects.exists()


def moderator_not_found(client: Client) -> int:
    return client.post(f"{QUEUE}999999/decide/", {"kind": "uphold"}).status_code


def test_who_may_only_view_sees_the_queue_without_buttons(version: ModelVersion) -> None:
    screening = queued("you idiot")
    viewer = staff("vera", "view_screening")
    page = open_page(viewer)
    assert texts(page) == ["you idiot"] and "decide/" not in page
    assert "decide/" not in open_page(viewer, f"{screening.pk}/change/")
    assert viewer.post(f"{QUEUE}{screening.pk}/decide/", {"kind": "uphold"}).status_code == 403
    assert not Review.objects.exists()


def test_staff_without_a_permission_users_and_visitors_reach_nothing(version: ModelVersion) -> None:
    screening = queued("you idiot")
    ordinary = Client()
    ordinary.force_login(User.objects.create_user("otto"))
    for client in (staff("sam"), ordinary, Client()):
        for path in (QUEUE, f"{QUEUE}{screening.pk}/change/"):
            response = client.get(path)
            assert response.status_code in (302, 403) and b"you idiot" not in response.content
        answer = client.post(f"{QUEUE}{screening.pk}/decide/", {"kind": "uphold"})
        assert answer.status_code in (302, 403)
    assert not Review.objects.exists()


def test_nobody_adds_changes_or_deletes_a_screening(admin_client: Client, version: ModelVersion) -> None:
    screening = queued("you idiot")
    assert admin_client.get(f"{QUEUE}add/").status_code == 403
    assert admin_client.post(f"{QUEUE}{screening.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Screening.objects.filter(pk=screening.pk).exists()


def test_an_audit_item_shows_its_scores_only_after_the_decision(moderator: Client) -> None:
    audited = queued("a veiled remark", -0.2, verdict="clear", queued_for="audit")
    page = open_page(moderator)
    assert texts(page) == ["a veiled remark"] and 'role="meter"' not in page and "checked" not in page
    assert 'value="uphold"' not in page
    detail = open_page(moderator, f"{audited.pk}/change/")
    assert 'role="meter"' not in detail and "0.300" not in detail
    decide(moderator, audited, kind="false_positive")
    assert page.count('role="meter"') == 0
    assert open_page(moderator, "?state=decided").count('role="meter"') == 3


def test_a_failed_item_is_judged_without_scores(moderator: Client) -> None:
    failed = queued("unreadable", 0.5, status="failed", verdict="", queued_for="failed")
    page = open_page(moderator)
    assert "could not score this text" in page
    decide(moderator, failed, kind="relabel", shown=["toxic", "threat", "insult"], label=["insult"])
    assert Review.objects.get().labels == {"toxic": False, "threat": False, "insult": True}


def test_an_edited_comment_stands_beside_the_earlier_decision(version: ModelVersion) -> None:
    post = Post.objects.create(body="I will kill you")
    screen()
    client = staff("ann", "review_screening")
    decide(client, Screening.objects.get(), kind="uphold")
    post.refresh_from_db()
    post.body = "I will thank you"
    post.save()
    screen()
    page = open_page(client)
    assert texts(page) == ["I will thank you"]
    assert "The text before this edit: uphold, by ann" in page


def test_the_detail_page_shows_all_that_happened(version: ModelVersion) -> None:
    Post.objects.create(body="you idiot")
    screen()
    screening = Screening.objects.get()
    client = staff("ann", "review_screening")
    decide(client, screening, kind="uphold")
    page = unescape(re.sub(r"<[^>]*>", " ", open_page(client, f"{screening.pk}/change/")))
    for part in (
        "decision: uphold",
        "insult: yes",
        "test@1",
        "insult: 0.700",
        "decided by a moderator",
        "review.decided",
        "outcome: hide",
    ):
        assert part in page


def test_a_blanked_text_is_neither_shown_nor_judged(moderator: Client) -> None:
    screening = queued("", blanked="2026-01-01T00:00:00Z")
    page = open_page(moderator, f"{screening.pk}/change/")
    assert "The text was removed." in page and "decide/" not in page


def form_of(page: str, screening: Screening) -> dict[str, Any]:
    """The hidden fields that the item's form posts, when its page has been read for a while."""
    form = re.search(rf"<form[^>]*/{screening.pk}/decide/.*?</form>", page, re.DOTALL)
    assert form is not None
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    for of_another_test in ("csrfmiddlewaretoken", "rendered", "shown"):
        fields.pop(of_another_test, None)
    return fields


@pytest.mark.regression("M13")
def test_upholding_records_no_label_that_was_not_shown(version: ModelVersion) -> None:
    """An edited text is scored between the page and the click."""
    post = Post.objects.create(body="I will kill you")
    screen()
    post.refresh_from_db()
    post.body = "you are an idiot"
    post.save()
    client = staff("ann", "review_screening")
    screening = Screening.objects.get(is_current=True)
    page = open_page(client)
    assert 'role="meter"' not in page
    screen()
    decide(client, screening, kind="uphold", **form_of(page, screening))
    review = Review.objects.get()
    assert (review.outcome, review.model_version) == ("hide", None)
    assert review.labels == {"toxic": None, "threat": None, "insult": None}


@pytest.mark.regression("M13")
def test_upholding_agrees_with_the_scores_on_the_page_and_not_with_newer_ones(moderator: Client) -> None:
    screening = queued("you idiot")
    page = open_page(moderator)
    newer = make_version("2")
    screening.scorings.update(is_basis=False)
    Scoring.objects.create(
        screening=screening,
        model_version=newer,
        is_basis=True,
        scores={"toxic": 0.1, "threat": 0.9, "insult": 0.1},
        thresholds=THRESHOLDS,
    )
    decide(moderator, screening, kind="uphold", **form_of(page, screening))
    review = Review.objects.get()
    assert review.labels == {"toxic": True, "threat": None, "insult": None}
    assert review.model_version == ModelVersion.objects.get(version="1")


@pytest.mark.regression("M13")
@pytest.mark.parametrize("kind", ["uphold", "false_positive"])
def test_where_the_scores_on_the_page_are_gone_the_moderator_is_asked_to_look_again(
    moderator: Client, kind: str
) -> None:
    screening = queued("you idiot")
    other = queued("another idiot")
    page = open_page(moderator)
    screening.scorings.all().delete()
    assert "scored again meanwhile" in decide(moderator, screening, kind=kind, **form_of(page, screening))
    assert "scored again" in decide(moderator, screening, kind=kind, **form_of(page, other))
    assert not Review.objects.exists()


@pytest.mark.regression("M13")
def test_ticks_are_recorded_whatever_was_scored_meanwhile(moderator: Client) -> None:
    screening = queued("unreadable", 0.5, status="failed", verdict="", queued_for="failed")
    page = open_page(moderator)
    Scoring.objects.create(
        screening=screening,
        model_version=ModelVersion.objects.get(),
        is_basis=True,
        scores={"toxic": 0.9, "threat": 0.1, "insult": 0.1},
        thresholds=THRESHOLDS,
    )
    shown = form_of(page, screening)
    ticked = {"shown": ["toxic", "threat", "insult"], "label": ["insult"]}
    decide(moderator, screening, kind="relabel", **shown, **ticked)
    review = Review.objects.get()
    assert review.labels == {"toxic": False, "threat": False, "insult": True}
    assert review.model_version is None


def test_a_forged_scoring_is_no_opinion_and_no_error(moderator: Client) -> None:
    for number, forged in enumerate(("abc", "9" * 40, "-1", "")):
        screening = queued(f"you idiot {number}")
        decide(moderator, screening, kind="false_positive", scoring=forged)
        assert Review.objects.get(screening=screening).model_version is None


def test_a_very_long_text_says_that_its_middle_may_not_have_been_read(moderator: Client) -> None:
    note = "The model reads a text this long at both ends"
    queued("you idiot " * 2_900)
    assert note not in open_page(moderator)
    queued("you idiot " * 3_100)
    assert open_page(moderator).count(note) == 1
