"""A comment on its way: posted in a browser, screened by the worker, shown or held."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.running_site import SQUARE, RunningSite

pytestmark = pytest.mark.browser

Screenshot = Callable[[str], None]


def write_comment(page: Page, site: RunningSite, text: str, name: str = "") -> None:
    """Fill in and send the form on an article, as a visitor does."""
    page.goto(f"{site.url}/articles/{SQUARE}/")
    page.get_by_label("Comment", exact=True).fill(text)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("status")).to_contain_text("your comment is saved")


def test_a_friendly_comment_is_screened_as_clear_and_stays_public(
    site: RunningSite, page: Page, screenshot: Screenshot
) -> None:
    text = "What a lovely article, thank you for writing it!"
    write_comment(page, site, text, "Hanne")

    screening = site.screening_of(text)
    assert screening["verdict"] == "clear"
    assert screening["queued_for"] in {"", "audit"}
    assert all(0 <= score <= 1 for score in screening["scores"].values())

    page.reload()
    expect(page.get_by_text(text)).to_be_visible()
    screenshot("article")


def test_a_held_comment_is_not_on_the_public_page(
    site: RunningSite, page: Page, screenshot: Screenshot
) -> None:
    text = "You are a fucking idiot, shut up you stupid piece of shit."
    write_comment(page, site, text)

    screening = site.screening_of(text)
    assert screening["verdict"] == "held"
    assert screening["queued_for"] == "held"
    assert screening["is_public"] == 0
    assert {"toxic", "obscene", "insult"} <= {
        label for label, score in screening["scores"].items() if score > 0.5
    }

    page.goto(f"{site.url}/articles/{SQUARE}/")
    expect(page.locator(".comment-list").get_by_text(text)).to_have_count(0)  # its author sees it above
    screenshot("article-with-a-held-comment")


def test_html_in_a_comment_is_shown_as_text_and_never_runs(
    site: RunningSite, page: Page, screenshot: Screenshot
) -> None:
    name = "<b id=planted>Bobby</b>"
    text = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\"> Nice soup!"
    write_comment(page, site, text, name)

    page.reload()
    expect(page.get_by_text(text)).to_be_visible()
    expect(page.locator(".comment-name").get_by_text(name)).to_be_visible()
    assert page.locator("#planted, .comment img, .comment script").count() == 0
    assert page.title() != "ran"
    screenshot("article-with-html-in-a-comment")


def test_preview_shows_the_text_and_saves_nothing(
    site: RunningSite, page: Page, screenshot: Screenshot
) -> None:
    page.goto(f"{site.url}/articles/{SQUARE}/")
    page.get_by_label("Comment", exact=True).fill("Only a <i>try</i>")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".comment-preview")).to_have_text("Only a <i>try</i>")
    assert site.rows("SELECT id FROM django_comments WHERE comment LIKE 'Only a%'") == []
    screenshot("preview")


def test_the_pages_fit_a_telephone(site: RunningSite, page: Page, screenshot: Screenshot) -> None:
    site.post("A" * 300 + " " + "\u0301" * 400, name="W" * 50)
    page.set_viewport_size({"width": 360, "height": 760})
    for name, address in (("list", "/"), ("article", f"/articles/{SQUARE}/")):
        page.goto(site.url + address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        screenshot(f"telephone-{name}")
