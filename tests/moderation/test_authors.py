"""The page of one author: what became of their texts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from moderation.authors.identity import Author
from moderation.models import AuditEntry, AuthorNote, ItemClaim, ModelVersion, Review, Screening
from moderation.review import author_history, claims
from moderation.review.author_history import history_of
from moderation.review.decisions import decide
from tests.forum.models import Reply, Thread
from tests.moderation.conftest import screen
from tests.moderation.test_authorship import register
from tests.moderation.test_context import HOSTILE, screening_of
from tests.moderation.test_queue import QUEUE, queued, staff, texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


@pytest.fixture
def mia(db: None) -> User:
    return User.objects.create_user("mia")


def write(writer: User | None, *bodies: str, **columns: Any) -> list[Screening]:
    """The screenings of new replies, the first first."""
    thread = Thread.objects.create(title="Soup")
    replies = [Reply.objects.create(thread=thread, writer=writer, text=body, **columns) for body in bodies]
    screen()
    return [screening_of(reply) for reply in replies]


def figures(page: str) -> dict[str, str]:
    return dict(re.findall(r"<div><dt>([^<]*)</dt><dd>([^<]*)</dd></div>", page))


def author_page(client: Client, screening: Screening) -> str:
    response = client.get(f"{QUEUE}{screening.pk}/author/")
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_counts_what_became_of_an_author_s_texts(moderator: Client, mia: User) -> None:
    ann = User.objects.get(username="ann")
    write(User.objects.create_user("jo"), "I kill you", "you idiot")
    rows = write(mia, "hello", "you idiot", "idiot, too", "I kill you", "an idiot again", "buy, idiot")
    decide(rows[1].pk, reviewer=ann, kind="uphold")
    decide(rows[2].pk, reviewer=ann, kind="false_positive")
    decide(rows[5].pk, reviewer=ann, kind="other_reason", reason="spam")
    page = author_page(moderator, rows[0])
    assert figures(page) == {
        "Screened": "6",
        "Waiting": "2",
        "Flagged": "4",
        "Upheld": "1",
        "Overturned": "1",
        "Hidden for another reason": "1",
    }
    shown = re.findall(r'<bdi class="moderation-text moderation-quote-text" dir="auto">([^<]*)', page)
    assert shown == ["buy, idiot", "an idiot again", "I kill you", "idiot, too", "you idiot"]
    assert f"{QUEUE}?state=all&amp;author={mia.pk}" in page


def test_an_item_leads_to_its_author_s_page(moderator: Client, mia: User) -> None:
    (row,) = write(mia, "you idiot")
    assert f'href="{QUEUE}{row.pk}/author/"' in moderator.get(QUEUE).content.decode()


def test_somebody_without_an_account_is_told_by_name(moderator: Client, mia: User, settings: Any) -> None:
    register(settings, author_name="guest")
    write(mia, "by an account", guest="Jo")
    first, _ = write(None, "you idiot", "hello", guest="Jo")
    page = author_page(moderator, first)
    assert figures(page)["Screened"] == "2"
    assert "Without an account" in page and "by an account" not in page


def test_of_somebody_who_is_not_known_there_is_no_page(moderator: Client) -> None:
    (row,) = write(None, "you idiot")
    assert moderator.get(f"{QUEUE}{row.pk}/author/").status_code == 404
    assert "/author/" not in moderator.get(QUEUE).content.decode()


def test_an_author_s_page_is_for_those_who_see_the_item(moderator: Client, mia: User, settings: Any) -> None:
    shown, hidden = write(mia, "you idiot", "hushed idiot")
    assert staff("eve").get(f"{QUEUE}{shown.pk}/author/").status_code == 403
    settings.MODERATION = {
        **settings.MODERATION,
        "VISIBLE_SCREENINGS": "tests.moderation.test_context.not_secret",
    }
    assert moderator.get(f"{QUEUE}{hidden.pk}/author/").status_code == 404
    page = author_page(moderator, shown)
    assert figures(page)["Screened"] == "1" and "hushed" not in page


def test_figures_stop_at_a_thousand_texts(moderator: Client, mia: User, monkeypatch: Any) -> None:
    monkeypatch.setattr(author_history, "LOOKED_AT", 3)
    rows = write(mia, *["you idiot"] * 4, "hello")
    page = author_page(moderator, rows[0])
    assert (figures(page)["Screened"], figures(page)["Waiting"]) == ("3+", "2")
    assert "Of the latest 3 texts" in page


def test_a_history_costs_as_many_queries_of_many_texts_as_of_few(mia: User, version: ModelVersion) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            history_of(Author(key=str(mia.pk)))
        return len(captured)

    ann = User.objects.create_user("ann")
    for row in write(mia, "you idiot"):
        decide(row.pk, reviewer=ann, kind="uphold")
    few = queries()
    for row in write(mia, *["you idiot"] * 20):
        decide(row.pk, reviewer=ann, kind="uphold")
    assert queries() == few


def test_no_figure_tells_what_the_model_said_of_an_open_blind_item(moderator: Client, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 1.0}
    pages = []
    for name, text in (("mia", "a nice remark"), ("mio", "you idiot")):
        (row,) = write(User.objects.create_user(name), text)
        assert row.is_open
        page = author_page(moderator, row)
        body = page[page.index("moderation-author-page") :].replace(text, "TEXT").replace(name, "NAME")
        body = re.sub(r'<time.*?</time>|csrfmiddlewaretoken" value="[^"]*', "", body, flags=re.DOTALL)
        body = body.replace(f"/{row.pk}/", "/PK/").replace(f"Reply {row.object_id}<", "Reply PK<")
        pages.append(re.sub(r"(author=|Account <bdi>)\d+", r"\1", body))
    assert pages[0] == pages[1]


def test_hostile_names_and_texts_do_no_harm(moderator: Client, settings: Any) -> None:
    register(settings, author_name="guest")
    row, _ = write(None, HOSTILE * 20, f"you idiot {HOSTILE}", guest=HOSTILE)
    page = author_page(moderator, row)
    assert "<script>alert" not in page and "\u202e" not in page
    assert page.count("&lt;script&gt;") >= 3


def test_all_of_an_author_s_texts_are_one_click_away(moderator: Client, mia: User) -> None:
    write(User.objects.create_user("jo"), "you idiot, Jo")
    row, _ = write(mia, "you idiot, Mia", "hello")
    (link,) = re.findall(r'<a href="([^"]*)">All texts of this author', author_page(moderator, row))
    listed = texts(moderator.get(link.replace("&amp;", "&")).content.decode())
    assert listed == ["hello", "you idiot, Mia"]


def test_an_author_s_open_texts_are_dealt_under_claims_as_the_queue_deals(
    moderator: Client, mia: User
) -> None:
    rows = [
        queued(f"open {number}", author_key=str(mia.pk), verdict="held", queued_for="held")
        for number in range(3)
    ]
    queued("somebody else's", author_key="another", verdict="held", queued_for="held")
    colleague = User.objects.create_user("colleague")
    assert claims.hold(colleague, rows[0].pk)
    page = moderator.get(f"{QUEUE}{rows[1].pk}/author/").content.decode()
    address = f"?author={mia.pk}"
    assert f'href="{QUEUE}{address}"' in page
    answer = moderator.post(f"{QUEUE}deal/{address}")
    assert answer["Location"] == f"{QUEUE}{address}&state=mine#queue"
    held = ItemClaim.objects.exclude(username="colleague").values_list("screening", flat=True)
    assert sorted(held) == [rows[1].pk, rows[2].pk]
    said = {"kind": "false_positive", "scoring": str(rows[1].scorings.get().pk), "seen_number": "0"}
    moderator.post(f"{QUEUE}{rows[1].pk}/decide/{address}&state=mine", said)
    assert Review.objects.get().is_picked


def test_a_note_on_an_author_is_shown_to_all_and_audited_without_its_text(
    moderator: Client, mia: User
) -> None:
    row, other = write(mia, "you idiot", "an idiot again")
    (jo,) = write(User.objects.create_user("jo"), "idiot, Jo")
    address = f"{QUEUE}{row.pk}/author/note/"
    assert moderator.get(address).status_code == 302
    moderator.post(address, {"note": "   "})
    assert not AuthorNote.objects.exists()
    moderator.post(address, {"note": f"wrote to her on Monday {HOSTILE}"})
    page = author_page(moderator, other)
    assert "wrote to her on Monday" in page and "<script>alert" not in page
    queue = moderator.get(QUEUE).content.decode()
    assert queue.count("Note on the author:") == 2 and "<script>alert" not in queue
    assert "wrote to her" not in author_page(moderator, jo)
    entry = AuditEntry.objects.get(action="author.noted")
    assert (entry.username, set(entry.after)) == ("ann", {"characters"})


def test_who_only_looks_on_leaves_no_note(version: ModelVersion, mia: User) -> None:
    (row,) = write(mia, "you idiot")
    auditor = staff("eve", "view_screening")
    assert 'name="note"' not in author_page(auditor, row)
    assert auditor.post(f"{QUEUE}{row.pk}/author/note/", {"note": "hello"}).status_code == 403
    assert not AuthorNote.objects.exists()
