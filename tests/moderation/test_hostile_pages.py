"""How large the admin's pages become that show hostile texts: bytes and elements, never time."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from moderation.admin.display.safe_text import NOTES_OF_A_PAGE, NOTES_OF_A_TEXT, UNNAMED, Notes, visible
from moderation.models import AuditEntry, ModeratorPreferences, Review, Screening
from moderation.screening.driving import WORDS
from tests.moderation.test_driving_words import Explainer, explainer
from tests.moderation.test_queue import QUEUE, queued

__all__ = ["explainer"]  # a fixture, which pytest finds by its name
pytestmark = [pytest.mark.django_db, pytest.mark.regression("M14")]

HOSTILE = {
    "different zero-width characters": "\u200b\u200c",
    "one after each letter": "a\u200b",
    "joiners between letters": "a\u200d",
    "directions": "\u202e\u2066\u202ca",
    "tags": "\U000e0041\U000e0042b",
    "marks": "z" + "\u0301" * 9,
    "marks and joiners of marks": "\u0301\u034f",
    "quotes": "'",
    "markup": "<b>&",
    "lines": "a\n",
    "control characters": "\x1b\x07c",
    "marks of Thai": "\u0e01" + "\u0e49" * 9,
    "vowel signs": "\u0915" + "\u093f" * 20,
    "selectors": "a\ufe00\ufe01",
    "letters apart": "i d i o t ",
    "look-alikes": "\u0455tu\u0440id ",
    "swear words": "fuck ",
}
CHIP = "moderation-hidden-character"


@pytest.fixture
def moderator(version: Any) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ann"))
    return client


def page(client: Client, path: str = QUEUE) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def of_length(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


@pytest.mark.parametrize("length", [400, 5000, 20_000])
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_a_queue_full_of_hostile_texts_stays_small(moderator: Client, unit: str, length: int) -> None:
    for _ in range(20):
        queued(of_length(unit, length))
    shown = page(moderator)
    assert shown.count("<article") == 20
    assert len(shown.encode()) < 1_000_000
    assert shown.count(CHIP) <= NOTES_OF_A_PAGE + 2 * 20  # and, of each text, how many are not named
    for character in "\u200b\u202e\u2066\U000e0041\x1b":
        assert character not in shown


MEGABYTE = 1_000_000


@pytest.mark.parametrize("care", [{}, {"covers_texts": True, "masks_profanity": True}], ids=["plain", "care"])
def test_a_queue_of_texts_of_a_megabyte_stays_small(moderator: Client, care: dict[str, bool]) -> None:
    if care:
        ModeratorPreferences.objects.create(user_key=str(User.objects.get().pk), **care)
    kinds = [*HOSTILE.values(), "z" + "\u0301" * 100_000, "<script>alert(1)</script>", "\u202e" * 1000 + "a"]
    for number in range(20):
        queued(of_length(kinds[number % len(kinds)], MEGABYTE))
    shown = page(moderator)
    assert shown.count("<article") == 20
    assert len(shown.encode()) < MEGABYTE
    assert "<script>alert" not in shown and "\u202e" not in shown


def test_a_text_of_a_megabyte_is_marked_on_demand(
    moderator: Client, explainer: Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    screening = queued(of_length("idiot \u200b<b>", MEGABYTE))
    for path in (f"{screening.pk}/change/?why=toxic", f"{screening.pk}/text/?why=toxic"):
        shown = page(moderator, QUEUE + path)
        assert 0 < shown.count("<mark") <= 2 * WORDS
        assert len(shown.encode()) < 300_000


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_a_huge_text_is_read_in_parts_to_its_end(moderator: Client, unit: str) -> None:
    screening = queued(of_length(unit, 45_000) + "kill you")
    path, parts = f"{QUEUE}{screening.pk}/change/", []
    start = path + "?_changelist_filters=state%3Dopen"
    address: str | None = start
    while address:
        parts.append(page(moderator, address))
        following = re.search(r'<a rel="next" href="([^"]+)"', parts[-1])
        address = path + unescape(following[1]) if following else None
    assert len(parts) == 3
    assert all(len(part.encode()) < 300_000 for part in parts)
    assert all(part.count(CHIP) <= NOTES_OF_A_TEXT + 1 for part in parts)
    assert ["kill you" in part for part in parts] == [False, False, True]
    assert all("_changelist_filters=state%3Dopen" in part for part in parts[:2])
    assert "Characters 40001\u201345008 of 45008" in parts[2]


@pytest.mark.parametrize("part", ["0", "-1", "x", "99999999999999", "4", "\u0663", "1e3", ""])
def test_a_part_that_is_not_there_is_the_nearest_that_is(moderator: Client, part: str) -> None:
    screening = queued("a" * 45_000)
    shown = page(moderator, f"{QUEUE}{screening.pk}/change/?part={part}")
    assert f"Characters {'40001' if part == '4' else '1'}\u2013" in shown


def test_a_page_adds_the_parts_up_to_the_very_text(moderator: Client) -> None:
    text = "".join(f"{number} " for number in range(10_000))
    screening = queued(text)
    pieces = []
    for part in (1, 2, 3):
        shown = page(moderator, f"{QUEUE}{screening.pk}/change/?part={part}")
        pieces.append(unescape(re.findall(r'<bdi class="moderation-text" dir="auto">(.*?)</bdi>', shown)[0]))
    assert "".join(pieces) == text


def test_pages_of_what_was_recorded_hold_no_text(moderator: Client) -> None:
    """Reviews, audit trail, runs: rows that speak of a screening name it by its number."""
    screening = queued("a\u200b" * 50_000 + "unmistakable")
    client, path = moderator, f"{QUEUE}{screening.pk}/decide/"
    assert client.post(path, {"kind": "false_positive"}).status_code == 302
    review, entry = Review.objects.get(), AuditEntry.objects.get()
    assert "unmistakable" not in json.dumps([entry.before, entry.after, review.labels, review.note])
    admin = "/admin/moderation/"
    for place in (
        "review/",
        f"review/{review.pk}/change/",
        "auditentry/",
        f"auditentry/{entry.pk}/change/",
        "screeningrun/",
        "screening/?state=decided",
        "screening/?label=toxic&state=all",
    ):
        shown = page(client, admin + place)
        assert len(shown.encode()) < 100_000
        assert "unmistakable" not in shown
    # a second decision, which the page refuses and explains
    client.post(path, {"kind": "false_positive"})
    assert len(page(client).encode()) < 100_000


def test_runs_of_different_hidden_characters_are_one_note() -> None:
    shown = visible("a" + "\u200b\u200c\u2060\ufeff\u00ad" * 2000 + "b")
    assert shown.count(CHIP) == 1
    assert "U+200B, U+200C, U+2060, U+FEFF, \u2026 \u00d7 10,000" in shown
    assert "zero width space" in shown


def test_what_is_beyond_the_budget_is_marked_in_its_place_and_counted() -> None:
    shown = visible("a\u200b" * (NOTES_OF_A_TEXT + 7))
    assert shown.count("U+200B") == NOTES_OF_A_TEXT
    assert shown.count(f"a{UNNAMED}") == 7
    assert f">{UNNAMED} 7</span>" in shown


def test_texts_of_one_page_share_its_budget() -> None:
    page = Notes.of_a_page()
    texts = [visible("a\u200b" * NOTES_OF_A_TEXT, page.for_a_text()) for _ in range(10)]
    assert sum(text.count("U+200B") for text in texts) == NOTES_OF_A_PAGE
    assert UNNAMED in texts[-1] and UNNAMED not in texts[0]


def test_a_blanked_text_needs_no_part(moderator: Client) -> None:
    screening = queued("")
    assert "Characters" not in page(moderator, f"{QUEUE}{screening.pk}/change/")
    assert Screening.objects.get().text == ""
