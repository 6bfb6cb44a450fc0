"""The dashboard: who sees it, what it shows, what a file of it holds, and what it never tells."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from moderation.models import ModelVersion, Review, Screening, StoredFigures
from moderation.worker import figures
from tests.moderation.test_figures import reviewed
from tests.moderation.test_queue import queued, staff, texts

pytestmark = pytest.mark.django_db
DASHBOARD = "/admin/moderation/storedfigures/"
QUEUE = "/admin/moderation/screening/"
CANARY = "xylophonecanary"
EVIL = "<script>alert(1)</script>\u202e"


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


@pytest.fixture
def lead(version: ModelVersion) -> Client:
    return staff("lee", "lead_reviews")


def page(client: Client, query: str = "") -> str:
    response = client.get(DASHBOARD + query)
    assert response.status_code == 200
    return response.content.decode()


def table(html: str, key: str) -> list[list[str]]:
    """The cells of a table as a person reads them, without its head."""
    section = re.search(rf'dashboard-{key}".*?</section>', html, re.DOTALL)
    assert section is not None
    body = re.search(r"<tbody>.*?</tbody>", section[0], re.DOTALL)
    if body is None:
        return []
    return [
        [
            " ".join(unescape(re.sub(r"<[^>]*>", "", cell)).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", body[0], re.DOTALL)
    ]


def rows_of(client: Client, key: str, query: str = "") -> list[list[str]]:
    response = client.get(f"{DASHBOARD}?csv={key}{query}")
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def a_busy_week() -> None:
    """Enough reviews for every estimate, two of them on each item of a kind."""
    for number in range(80):
        is_true = number % 4 != 0
        row = reviewed(f"flagged {number}", score=0.7, is_true=is_true, second=is_true != (number < 4))
        moderator = "ann" if number % 2 else "ben"
        row.reviews.filter(number=1)._raw_delete("default")
        Review.objects.create(
            screening=row,
            number=3,
            kind="decision",
            decision="relabel",
            outcome=row.outcome,
            labels={"toxic": is_true, "threat": False, "insult": is_true},
            reviewer_name=moderator,
        )
        reviewed(f"drawn {number}", score=0.1, is_true=number < 2, reason="audit", verdict="clear")
    Screening.objects.filter(text__startswith="flagged").update(
        author_name="troll", author_key="7", page_key="forum.note:1", language="de"
    )
    figures.refresh()


@pytest.mark.parametrize(
    ("permissions", "status"),
    [((), 403), (("review_screening",), 200), (("view_screening",), 200), (("lead_reviews",), 200)],
)
def test_who_sees_the_queue_sees_the_dashboard(
    version: ModelVersion, permissions: tuple[str, ...], status: int
) -> None:
    client = staff("zoe", *permissions)
    for address in (DASHBOARD, f"{DASHBOARD}?csv=days"):
        assert client.get(address).status_code == status
    assert ("Dashboard" in client.get("/admin/").content.decode()) is (status == 200)


def test_nobody_else_sees_it_and_nothing_is_changed_there(version: ModelVersion, lead: Client) -> None:
    figures.refresh()
    assert Client().get(DASHBOARD).status_code == 302
    before = StoredFigures.objects.count()
    for address in (f"{DASHBOARD}estimates/change/", f"{DASHBOARD}estimates/history/"):
        assert lead.get(address).status_code == 404
    for address in (f"{DASHBOARD}add/", f"{DASHBOARD}estimates/delete/"):
        assert lead.post(address, {"post": "yes"}).status_code == 403
    assert StoredFigures.objects.count() == before


def test_where_each_sees_only_some_screenings_it_is_for_those_who_lead(
    moderator: Client, lead: Client
) -> None:
    from django.conf import settings

    setting = {**settings.MODERATION, "VISIBLE_SCREENINGS": "tests.moderation.test_dashboard.all_of_them"}
    with override_settings(MODERATION=setting):
        assert moderator.get(DASHBOARD).status_code == 403
        assert "storedfigures" not in moderator.get(QUEUE).content.decode()
        assert lead.get(DASHBOARD).status_code == 200
    assert "storedfigures" in moderator.get(QUEUE).content.decode()


def all_of_them(user: Any, screenings: Any) -> Any:
    """What the site of the test above says who may see."""
    return screenings


def test_an_empty_site_has_a_page(moderator: Client) -> None:
    html = page(moderator)
    assert "No worker makes figures here" in html
    figures.refresh()
    html = page(moderator)
    assert table(html, "authors") == [] and "Nothing in this time." in html
    assert all(row[1:] == ["not enough", "not enough"] for row in table(html, "quality"))


def test_it_shows_what_came_in_and_what_was_made_of_it(lead: Client) -> None:
    a_busy_week()
    html = page(lead, "?days=7")
    assert table(html, "days")[0][1:] == ["160", "0", "80", "80", "0", "160", "62", "98", "0"]
    assert len(table(html, "days")) == 7
    assert ["Relabel", "160", "100 %"] in table(html, "decisions")
    assert table(html, "languages") == [["not known", "80", "50 %"], ["German", "80", "50 %"]]
    assert table(html, "versions") == [["test@1", "160", "100 %"]]
    assert table(html, "authors") == [["troll", "80", "80", "60", "20"]]
    for wanted in ("author%3A%227%22", "page%3A%22forum.note%3A1%22"):
        assert f'href="{QUEUE}?state=all&amp;q={wanted}"' in html
        assert "flagged 7" in texts(lead.get(f"{QUEUE}?state=all&q={wanted}&o=oldest").content.decode())
    assert table(html, "pages") == [["note 1", "80", "80", "60", "20"]]
    quality = {row[0]: row[1:] for row in table(html, "quality")}
    assert quality["any label"][0].startswith("25 % (") and quality["toxic"][0].startswith("25 % (")
    missed = 200 / 260
    assert quality["any label"][1].startswith(f"{100 * missed:.0f} % (")
    agreement = {row[0]: row[1:] for row in table(html, "agreement")}
    assert agreement["hide or show"][0].startswith("0.8") and agreement["hide or show"][1] == "80"
    assert len(table(html, "weeks")) == 12 and len(table(html, "months")) == 3
    assert table(html, "weeks")[0][1] == table(html, "months")[0][1] == "160"


def test_only_who_may_lead_sees_how_many_each_moderator_decided(moderator: Client, lead: Client) -> None:
    a_busy_week()
    assert ["ann", "40"] in table(page(lead), "reviewers")
    assert "dashboard-reviewers" not in page(moderator)
    assert moderator.get(f"{DASHBOARD}?csv=reviewers").status_code == 404
    assert ["ann", "40"] in rows_of(lead, "reviewers")


def test_a_period_is_one_of_three_and_a_long_one_has_a_row_for_each_week(moderator: Client) -> None:
    figures.refresh()
    row = queued("hello")
    Screening.objects.filter(pk=row.pk).update(created=timezone.now() - timedelta(days=40))
    for _ in range(9):
        figures.refresh()
    for query, rows in (("?days=7", 7), ("?days=30", 30), ("", 30), ("?days=1000", 30), ("?days=x", 30)):
        found = table(page(moderator, query), "days")
        assert len(found) == rows and all(cells[1] == "0" for cells in found)
    weeks = table(page(moderator, "?days=90"), "days")
    assert 13 <= len(weeks) <= 14 and sum(int(cells[1]) for cells in weeks) == 1


def test_a_file_holds_a_table_and_no_formula(moderator: Client) -> None:
    for number, name in enumerate(("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "plain")):
        queued(f"{CANARY} {number}", author_name=name, page_key=f"forum.note:{number}")
    figures.refresh()
    found = rows_of(moderator, "authors")
    assert found[0] == ["Author", "Comments", "Flagged", "Hidden", "Shown"]
    names = {row[0] for row in found[1:]}
    assert names == {"'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "'  =1", "plain"}
    response = moderator.get(f"{DASHBOARD}?csv=days&days=7")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "moderation-days-7-days.csv" in response["Content-Disposition"]
    assert moderator.get(f"{DASHBOARD}?csv=nothing").status_code == 404


def test_no_text_of_a_comment_and_no_hostile_name_runs(lead: Client) -> None:
    for verdict in ("flagged", "held"):
        queued(
            f"{CANARY} {verdict}",
            verdict=verdict,
            author_name=EVIL,
            page_key="forum.note:1",
            language=EVIL[:40],
        )
    figures.refresh()
    html = page(lead, "?days=90")
    assert "<script>alert" not in html and "\u202e" not in html and CANARY not in html
    assert "&lt;script&gt;alert(1)" in html
    for found in re.findall(r'csv=([a-z]+)"', html):
        assert CANARY not in str(rows_of(lead, found))
    assert "<script" not in re.sub(r"<script src=[^>]*>", "", html[html.index('id="content"') :])
    assert " style=" not in html and " onclick=" not in html


def test_open_random_items_are_nowhere_told_from_flagged_ones(moderator: Client) -> None:
    pages = []
    for verdict, reason, severity in (("flagged", "flagged", 0.2), ("clear", "audit", 0.2)):
        Screening.objects.all().delete()
        queued(
            "a text",
            severity,
            verdict=verdict,
            queued_for=reason,
            author_name="somebody",
            page_key="forum.note:1",
        )
        figures.refresh()
        html = page(moderator)
        pages.append(
            [table(html, key) for key in ("waiting", "days", "authors", "pages", "versions", "quality")]
        )
    assert pages[0] == pages[1]


@pytest.mark.parametrize("days", [7, 90])
def test_a_page_costs_the_same_few_queries_however_much_there_is(moderator: Client, days: int) -> None:
    figures.refresh()
    costs = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            page(moderator, f"?days={days}")
        costs.append(len(asked))
        a_busy_week()
    assert costs[1] <= costs[0] + 1  # the page of the one row of pages
    assert costs[0] <= 12


def test_numbers_of_the_drawings_have_points_in_every_language(lead: Client) -> None:
    a_busy_week()
    lead.cookies["django_language"] = "de"
    html = page(lead)
    for number in re.findall(
        r'(?:\b[xy12c]+|width|height)="([^"]*)"', html[html.index("dashboard-tables") : html.index("<footer")]
    ):
        assert re.fullmatch(r"-?[\d.]+%?", number), number
    assert User.objects.exists()
