"""Which words drove a score, and care for the moderator, in a browser: with script and without."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.running_site import PASSWORD, USERNAME, RunningSite

pytestmark = pytest.mark.browser
MODERATION = {"BLIND_SHARE": 0}
"""Every flagged item shows its scores."""

Screenshot = Callable[[str], None]

INSULT = "You are a stupid idiot, baker! Nobody wants your bread."
LETTER = "Thank you for the nice recipe. " * 60 + "You are a stupid idiot, baker! " * 3 + "Bye."
DISGUISED = "\u0443\u043eu \u0430r\u0435 \u0430 \u0455tu\u0440id fucking moron, shut up"


@pytest.fixture(scope="module", autouse=True)
def comments(site: RunningSite) -> None:
    for text in (INSULT, LETTER, DISGUISED):
        site.post(text)
        site.screening_of(text)


def log_in(page: Page, site: RunningSite, path: str = "") -> None:
    page.goto(f"{site.url}/admin/moderation/screening/{path}")
    page.get_by_label("Username").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.fixture
def without_script(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def item_of(page: Page, site: RunningSite, text: str) -> Locator:
    """The item of a text, found by its number: marks stand in the text."""
    return page.locator(f'article[aria-labelledby="item-{site.screening_of(text)["id"]}"]')


def marked(page: Page) -> set[str]:
    return {text.split("(")[0].strip() for text in page.locator("article mark").all_inner_texts()}


def test_a_press_marks_the_words_in_place_and_a_screen_reader_hears_them(
    page: Page, site: RunningSite, screenshot: Screenshot
) -> None:
    log_in(page, site)
    item = item_of(page, site, INSULT)
    expect(page.locator("mark")).to_have_count(0)
    item.get_by_role("link", name="insult", exact=True).focus()
    page.keyboard.press("Enter")
    expect(item.locator("mark").first).to_be_visible()
    assert {"stupid", "idiot"} <= marked(page)
    expect(page.locator("[data-why-status]")).to_contain_text("Marked for insult, strongest first:")
    focused = page.evaluate("document.activeElement.dataset.ask")
    assert focused == "why=insult" and "why=" not in page.url
    screenshot("queue-marked-words")
    item.get_by_role("link", name="Without marks").click()
    expect(page.locator("mark")).to_have_count(0)


def test_a_long_letter_opens_at_the_insult(page: Page, site: RunningSite) -> None:
    screening = site.screening_of(LETTER)
    log_in(page, site, f"{screening['id']}/change/?why=insult")
    expect(page.locator("mark").first).to_be_visible()
    assert {"stupid", "idiot"} <= marked(page)


def test_everything_works_without_script(without_script: Page, site: RunningSite) -> None:
    page = without_script
    log_in(page, site)
    item = item_of(page, site, INSULT)
    item.get_by_role("link", name="insult", exact=True).click()
    expect(item.locator("mark").first).to_be_visible()  # a click waits for no page
    assert {"stupid", "idiot"} <= marked(page)
    page.goto(f"{site.url}/admin/moderation/screening/preferences/")
    page.get_by_label("Cover texts").check()
    page.get_by_label("Mask swear words").check()
    page.get_by_role("button", name="Save").click()
    item = item_of(page, site, DISGUISED)
    expect(item.locator(".moderation-shown bdi.moderation-text").first).to_be_hidden()
    item.locator(".moderation-shown summary").first.click()
    expect(item.locator(".moderation-shown bdi.moderation-text").first).to_be_visible()
    expect(item.get_by_text("you are a s***** f****** m****, shut up")).to_be_visible()
    expect(item.get_by_text("Letters that look Latin are Cyrillic.")).to_be_visible()
    page.goto(f"{site.url}/admin/moderation/screening/preferences/")
    page.get_by_label("Cover texts").uncheck()
    page.get_by_role("button", name="Save").click()


def test_swear_words_are_shown_in_place_when_asked_for(page: Page, site: RunningSite) -> None:
    log_in(page, site, "preferences/")
    page.get_by_label("Mask swear words").check()
    page.get_by_role("button", name="Save").click()
    item = item_of(page, site, DISGUISED)
    expect(item).not_to_contain_text("moron")
    item.get_by_role("link", name="Show the swear words").click()
    expect(item).to_contain_text("moron")
    assert "plain" not in page.url
