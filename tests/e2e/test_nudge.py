"""An author is told before posting: by keyboard, with a script and without, and not with nothing running."""

import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.admin_session import AdminSession
from tests.e2e.conftest import PAGE_MILLISECONDS
from tests.e2e.running_site import PASSWORD, SQUARE, USERNAME, RunningSite

pytestmark = pytest.mark.browser

Screenshot = Callable[[str], None]
MODERATION = {"NUDGE_MILLISECONDS": 1000}
INSULT = "You are a stupid idiot, shut up."
MESSAGE = "This may be read as an insult. You can edit it, or post it anyway."
ASK = """async (text) => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch("/api/moderation/nudge/", {method: "POST", body: JSON.stringify({text}),
    headers: {"Content-Type": "application/json", "X-CSRFToken": token}});
  return (await answer.json()).nudge;
}"""


def open_article(page: Page, site: RunningSite) -> None:
    """Show the article, once the server looks at texts; its script has the time that a slow machine needs."""
    page.goto(f"{site.url}/articles/{SQUARE}/")
    for _ in range(60):
        if page.evaluate(ASK, INSULT):
            break
        page.wait_for_timeout(1000)
    page.evaluate("document.querySelector('.comment-form').dataset.nudgeMilliseconds = '60000'")


def type_comment(page: Page, text: str) -> None:
    """Write it and press the form's first button, by keyboard alone."""
    page.get_by_label("Comment", exact=True).focus()
    page.keyboard.type(text)
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Post comment")).to_be_focused()
    page.keyboard.press("Enter")


def posted(site: RunningSite, text: str) -> list[str]:
    """What the screenings of a posted text say that its author did."""
    rows = site.rows(
        "SELECT s.nudged FROM moderation_screening s JOIN django_comments c "
        "ON c.id = CAST(s.object_id AS INTEGER) WHERE c.comment = ?",
        text,
    )
    return [row["nudged"] for row in rows]


def test_an_author_is_told_edits_by_keyboard_and_posts(
    site: RunningSite, page: Page, screenshot: Screenshot
) -> None:
    open_article(page, site)
    screenshot("nudge-before")
    type_comment(page, INSULT)
    message = page.locator("[data-nudge-message]")
    expect(message).to_have_text(MESSAGE)
    expect(message).to_be_focused()
    expect(message).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("button", name="Post comment")).to_be_hidden()
    screenshot("nudge")
    assert posted(site, INSULT) == []

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Edit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Comment", exact=True)).to_be_focused()
    expect(message).to_have_text("")
    page.keyboard.press("Control+A")
    type_comment(page, "I think you are mistaken about the parking.")
    expect(page.get_by_role("status")).to_contain_text("your comment is saved")
    assert posted(site, "I think you are mistaken about the parking.") == ["edited"]


def test_an_author_posts_anyway_and_learns_what_became_of_it(
    site: RunningSite, page: Page, browser: Browser, screenshot: Screenshot
) -> None:
    text = "You are a fucking idiot, shut up you stupid piece of shit."
    open_article(page, site)
    page.set_viewport_size({"width": 360, "height": 760})
    type_comment(page, text)
    expect(page.locator("[data-nudge-message]")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    screenshot("telephone-nudge")
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Post anyway")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("your comment is saved")
    screening = site.screening_of(text)
    assert (screening["nudged"], screening["verdict"]) == ("posted_anyway", "held")

    article = f"{site.url}/articles/{SQUARE}/"
    page.goto(article)
    own = page.get_by_role("region", name="Your comments in review")
    expect(own).to_contain_text("waits for a moderator")
    expect(own).to_contain_text(text)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    screenshot("telephone-held")
    page.set_viewport_size({"width": 1280, "height": 900})
    screenshot("held")
    stranger = browser.new_context().new_page()
    stranger.goto(article)
    expect(stranger.get_by_text("waits for a moderator")).to_have_count(0)
    expect(stranger.get_by_text(text)).to_have_count(0)
    stranger.context.close()

    AdminSession(site.url, USERNAME, PASSWORD).decide(screening["id"], "false_positive")
    page.reload()
    expect(own).to_contain_text("was approved")
    screenshot("approved")


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A page of a browser that runs no script."""
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PAGE_MILLISECONDS)
    yield context.new_page()
    context.close()


def test_an_author_without_a_script_is_told_once_and_posts_anyway(
    site: RunningSite, page: Page, plain_page: Page
) -> None:
    open_article(page, site)  # until the server looks at texts
    text = INSULT + " Really."
    plain_page.goto(f"{site.url}/articles/{SQUARE}/")
    type_comment(plain_page, text)
    expect(plain_page.get_by_role("heading", name="Before you post")).to_be_visible()
    message = plain_page.locator("[data-nudge-message]")
    expect(message).to_have_text(MESSAGE)
    expect(message).to_be_focused()
    expect(plain_page.get_by_role("button", name="Post comment")).to_be_hidden()
    plain_page.screenshot(path="tests/e2e/screenshots/nudge-without-script.png", full_page=True)
    plain_page.keyboard.press("Tab")
    expect(plain_page.get_by_role("link", name="Edit")).to_be_focused()
    plain_page.keyboard.press("Enter")
    expect(plain_page.get_by_label("Comment", exact=True)).to_be_focused()
    plain_page.get_by_role("button", name="Post anyway").press("Enter")
    expect(plain_page.get_by_role("status")).to_contain_text("your comment is saved")
    assert posted(site, text) == ["posted_anyway"]


def test_with_worker_and_model_gone_the_form_posts_at_once(site: RunningSite, page: Page) -> None:
    open_article(page, site)
    site.worker.signal_group(signal.SIGKILL)
    site.manage(
        "shell",
        "-c",
        "from moderation.models import ModelVersion; "
        "ModelVersion.objects.filter(is_active=True).update(location='gone', manifest_sha256='0' * 64)",
    )
    while page.evaluate(ASK, INSULT):
        page.wait_for_timeout(1000)
    text = INSULT + " At once."
    type_comment(page, text)
    expect(page.get_by_role("status")).to_contain_text("your comment is saved")
    assert posted(site, text) == [""]
