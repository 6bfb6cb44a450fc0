"""The admin in German: every page is; numbers for people have a comma, and those for programs never."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import override

from moderation.admin.thresholds import curves
from moderation.models import AuditEntry, ModelVersion, Screening
from moderation.review.operating_points import Point
from moderation.review.statistics import Estimate
from moderation.worker import figures
from tests.forum.models import Note
from tests.moderation.conftest import screen
from tests.moderation.test_figures import reviewed
from tests.moderation.test_matrix import ADMIN, SUPERUSER, World, address, world
from tests.moderation.test_policy_page import ADD
from tests.moderation.test_queue import queued, staff

__all__ = ["world"]
pytestmark = pytest.mark.django_db
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de-DE,de;q=0.9,en;q=0.5"}
FOR_PROGRAMS = re.compile(
    r"value|min|max|step|low|high|optimum|x|y|x1|x2|y1|y2|cx|cy|r|rx|ry|width|height|viewbox|d|points|transform"
    r"|rows|cols|maxlength|colspan|id|for|name|href|action|formaction|data-.*|aria-value(now|min|max)"
)
SPOKEN = re.compile(r"data-(says-.*|spoken|title)")
PAIRS = {"points", "d", "transform"}
"""Attributes in which a comma parts two numbers."""
NUMBER_WITH_COMMA = re.compile(r"-?\d+,\d+")


class _Attributes(HTMLParser):
    """Collects numbers with a comma from attributes that programs read."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if not value or not FOR_PROGRAMS.fullmatch(name) or SPOKEN.fullmatch(name):
                continue
            is_wrong = (
                re.search(r"\d,\d+,", value) if name in PAIRS else NUMBER_WITH_COMMA.fullmatch(value.strip())
            )
            if is_wrong:
                self.wrong.append(f"<{tag} {name}={value!r}>")


def numbers_with_commas(page: str) -> list[str]:
    parser = _Attributes()
    parser.feed(page)
    return parser.wrong


@pytest.fixture
def german_world(world: World, settings: Any) -> World:
    settings.USE_THOUSAND_SEPARATOR = True
    return world


@pytest.mark.parametrize("name", [name for name, page in ADMIN.items() if page.readers])
def test_every_page_is_in_german_and_programs_read_its_numbers(german_world: World, name: str) -> None:
    answer = german_world.clients[SUPERUSER].get(address(name, german_world), follow=True, **GERMAN)
    assert answer.status_code == 200
    if "html" not in answer["Content-Type"]:
        return
    page = answer.text
    assert numbers_with_commas(page) == []
    if "<html" in page:
        assert '<html lang="de"' in page


def test_scores_have_a_comma_for_people_and_a_point_for_programs(
    version: ModelVersion, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "BLIND_SHARE": 0}
    Note.objects.create(text="you idiot")
    screen()
    screening = Screening.objects.get()
    client = staff("ann", "review_screening")
    page = client.get(f"/admin/moderation/screening/{screening.pk}/change/", **GERMAN).text
    assert 'aria-hidden="true">0,70<' in page and 'aria-valuenow="0.70"' in page
    assert "Beleidigung" in page and "Bestätigen: verbergen" in page
    assert numbers_with_commas(page) == []


def test_a_preview_of_thresholds_keeps_its_numbers(version: ModelVersion) -> None:
    for text in ("hello", "you idiot", "I kill you"):
        Note.objects.create(text=text)
    screen()
    client = staff("lea", "view_policy", "add_policy", "review_screening")
    data = {"model_label": "forum.Note", "flag_toxic": "0.65", "hold_toxic": "0.95"}
    page = client.post(ADD, {**data, "_preview": "1"}, **GERMAN).text
    assert "Was sich ändern würde" in page
    assert re.search(r'name="flag_toxic" value="0.65"', page), "a browser empties a field with 0,65"
    assert numbers_with_commas(page) == []


def test_the_dashboard_has_percents_with_a_comma_and_drawings_without(version: ModelVersion) -> None:
    for number in range(12):
        is_true = number % 3 > 0
        reviewed(f"text {number}", score=0.6 + number / 40, is_true=is_true, second=is_true or number == 3)
    figures.refresh()
    page = staff("lee", "lead_reviews").get("/admin/moderation/storedfigures/", **GERMAN).text
    assert "Fehlalarme unter den auffälligen" in page
    assert "<svg" in page
    assert numbers_with_commas(page) == []


def test_an_api_answers_in_english_with_plain_numbers(version: ModelVersion) -> None:
    screening = queued("open", author_name="Ann")
    client = staff("ann", "review_screening")
    row = client.get(f"/api/moderation/screenings/{screening.pk}/", **GERMAN)
    assert row.status_code == 200 and not re.search(r'":\s*"\d+,\d+"', row.text)
    refused = client.post(
        "/api/moderation/reviews/", {"decision": "uphold"}, content_type="application/json", **GERMAN
    )
    assert refused.status_code == 400 and "This field is required." in refused.text


def test_a_page_without_a_wish_is_in_english(version: ModelVersion) -> None:
    page = Client().get("/admin/login/").text
    assert '<html lang="en' in page and "Log in" in page


@pytest.mark.parametrize("page", ['<input value="0,5">', '<circle cx="1,5">', '<path d="M 0,5,1,5">'])
def test_a_number_with_a_comma_is_found(page: str) -> None:
    assert numbers_with_commas(page)


def test_the_records_name_their_fields_and_codes_in_german(version: ModelVersion) -> None:
    screening = queued("you idiot")
    User.objects.create_superuser("lea", password="pw")
    admin = Client()
    admin.force_login(User.objects.get(username="lea"))
    admin.post(f"/admin/moderation/screening/{screening.pk}/decide/", {"kind": "uphold"})
    trail = admin.get("/admin/moderation/auditentry/", **GERMAN).text
    assert "Ergebnis: \u2013 \u2192 verbergen" in re.sub("<.*?>", "", trail)
    assert f"Prüfung {screening.pk}" in trail and "outcome" not in trail
    page = re.sub(
        "<.*?>", "", admin.get(f"/admin/moderation/screening/{screening.pk}/change/", **GERMAN).text
    )
    assert "Entscheidung: bestätigt" in page and "toxic" not in page
    versions = admin.get("/admin/moderation/modelversion/", **GERMAN).text
    assert "Ausgangsversion" in versions and "<h1>Modellversionen</h1>" in versions
    entry = admin.get(f"/admin/moderation/auditentry/{AuditEntry.objects.latest('pk').pk}/change/", **GERMAN)
    assert "Protokolleintrag" in entry.text


def test_what_was_a_moment_ago_is_less_than_a_minute_ago(version: ModelVersion) -> None:
    screening = queued("you idiot")
    client = staff("ann", "review_screening")
    address = f"/admin/moderation/screening/{screening.pk}/change/"
    assert "vor weniger als einer Minute" in client.get(address, **GERMAN).text
    assert "less than a minute ago" in client.get(address).text


def test_the_curve_of_thresholds_has_commas_for_people_alone() -> None:
    with override("de"):
        curve = curves.drawn("toxic", [point(0.4, 0.8, 0.9), point(0.6, 0.9, 0.7)], 0.4)
        drawing = render_to_string("admin/moderation/policy/_curve.html", {"curve": curve})
    assert "<td>0,400</td><td>80 % (70\u201390)</td>" in drawing
    assert 'data-threshold="0.400"' in drawing and "Ab 0,400: Präzision 80 % (70\u201390)" in drawing
    assert "Alle Schwellen" in drawing
    assert numbers_with_commas(drawing) == []


def point(threshold: float, precision: float, recall: float) -> Point:
    figures_of = [Estimate(value, value - 0.1, value + 0.1) for value in (precision, recall)]
    return Point(threshold, *figures_of)
