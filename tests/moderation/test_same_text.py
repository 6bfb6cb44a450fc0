"""What the queue tells of earlier decisions on the same text, and on nearly the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from moderation.conf import conf
from moderation.models import ModelVersion, Screening
from moderation.review import same_text
from moderation.review.decisions import decide
from moderation.review.same_text import decisions_on_same_texts
from moderation.texts import text_key
from tests.moderation.test_blind import CLEAR, FLAGGED, queue
from tests.moderation.test_queue import open_page, queued, staff

pytestmark = pytest.mark.django_db
INSULT = "You are the worst mayor that this poor town has ever had"


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


def keyed(text: str, **columns: Any) -> Screening:
    return queued(text, text_key=text_key(text, conf.TEXT_KEY_SECRET), **columns)


def decided(text: str, kind: str, who: str = "bob") -> Screening:
    screening = keyed(text)
    user, _ = User.objects.get_or_create(username=who)
    decide(screening.pk, reviewer=user, kind=kind)
    return screening


def seen_by_all(user: Any, screenings: Any) -> Any:
    return screenings


def seen_by_nobody(user: Any, screenings: Any) -> Any:
    return screenings.none() if user.get_username() == "ann" else screenings


def words_of(page: str) -> str:
    found = re.search(r'<p class="moderation-note moderation-same">(.*?)</p>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", "", found[1]).split()) if found else ""


def test_the_same_words_are_told_with_who_when_and_how_often(moderator: Client) -> None:
    for kind in ("false_positive", "uphold", "uphold"):
        last = decided("You are an IDIOT!!", kind)
    screening = keyed("you are  an idiot")
    for page in (open_page(moderator), open_page(moderator, f"{screening.pk}/change/")):
        told = words_of(page)
        assert told.startswith("The same text was hidden by bob less than a minute ago.")
        assert "Hidden 2 times, shown once." in told
        assert f"/{last.pk}/change/" in page
    assert words_of(open_page(moderator, f"{keyed('something else').pk}/change/")) == ""


def test_a_decision_does_not_speak_of_itself(moderator: Client) -> None:
    screening = decided(INSULT, "uphold")
    assert words_of(open_page(moderator, f"{screening.pk}/change/")) == ""


def test_nearly_the_same_words_of_late_are_told(moderator: Client) -> None:
    decided(f"{INSULT}, Bob, 17 times", "false_positive")
    assert "Nearly the same text was shown by bob" in words_of(
        open_page(moderator, f"{keyed(f'{INSULT}, Jim, 4 times').pk}/change/")
    )
    for other in ("You are the best", "This poor town had a good mayor and the worst weather", "You"):
        assert words_of(open_page(moderator, f"{keyed(other).pk}/change/")) == ""


def test_what_was_decided_long_ago_is_not_compared_word_by_word(
    moderator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_text, "LATEST", 2)
    decided(f"{INSULT}, Bob", "uphold")
    screening = keyed(f"{INSULT}, Jim")
    ann = User.objects.get(username="ann")
    assert not decisions_on_same_texts([screening], ann)[screening.pk].is_same
    decided("one thing", "uphold")
    decided("another thing", "uphold")
    assert decisions_on_same_texts([screening], ann) == {}


def test_counts_end_at_the_latest(moderator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_text, "COUNTED", 2)
    for kind in ("uphold", "uphold", "false_positive", "uphold"):
        decided(INSULT, kind)
    screening = keyed(INSULT)
    told = decisions_on_same_texts([screening], User.objects.get(username="ann"))[screening.pk]
    assert (told.hidden, told.shown) == (1, 1)


def test_a_page_asks_as_many_queries_for_one_text_as_for_twenty(moderator: Client) -> None:
    ann = User.objects.get(username="ann")
    ann.get_all_permissions()  # asked for once by each request
    decided(INSULT, "uphold")
    rows = [keyed(f"{INSULT}" if number % 2 else f"{INSULT}, Jim {number}") for number in range(20)]

    def queries(of: list[Screening]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(decisions_on_same_texts(of, ann)) == len(of)
        return len(captured)

    assert queries(rows) == queries(rows[:2]) == 4


def test_what_a_user_may_not_see_is_not_told(moderator: Client, settings: Any) -> None:
    decided(INSULT, "uphold")
    screening, ann = keyed(INSULT), User.objects.get(username="ann")
    settings.MODERATION = {**settings.MODERATION, "VISIBLE_SCREENINGS": f"{__name__}.seen_by_all"}
    assert screening.pk in decisions_on_same_texts([screening], ann)
    settings.MODERATION = {**settings.MODERATION, "VISIBLE_SCREENINGS": f"{__name__}.seen_by_nobody"}
    assert decisions_on_same_texts([screening], ann) == {}


@pytest.mark.regression("H6")
def test_a_blind_item_is_judged_without_a_colleague_s_opinion(moderator: Client, settings: Any) -> None:
    rows = queue(settings)
    for text in (CLEAR[0], FLAGGED[0]):
        decided(text, "false_positive")
        assert words_of(open_page(moderator, f"{rows[text].pk}/change/")) == ""
    assert words_of(open_page(moderator)) == ""
    data = {"kind": "relabel", "shown": ["toxic", "threat", "insult"], "label": ["insult"], "scoring": ""}
    moderator.post(f"/admin/moderation/screening/{rows[FLAGGED[0]].pk}/decide/", data)
    assert "shown by bob" in words_of(open_page(moderator, f"{rows[FLAGGED[0]].pk}/change/"))
