"""Deciding in the page, in a browser: by the keyboard, with undo, beside a colleague, on a bad network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.running_site import PASSWORD, USERNAME, RunningSite

pytestmark = pytest.mark.browser
MODERATION = {"BLIND_SHARE": 0, "AUDIT_RATE": 0, "CLAIM_SECONDS": 20}
"""Every flagged item shows its scores; an item that nobody works at is free again after twenty seconds."""

Screenshot = Callable[[str], None]
READING_MILLISECONDS = 600
COLLEAGUE = "colleague"


@pytest.fixture(scope="module", autouse=True)
def toxic_comments(site: RunningSite) -> None:
    """Thirty comments that stand in the queue, and a colleague."""
    site.manage("createsuperuser", "--noinput", "--username", COLLEAGUE, "--email", "c@example.org")
    for number in range(30):
        site.post(f"You are a fucking idiot, number {number}, you stupid piece of shit.", name="Troll")
    site.wait_for(lambda: open_items(site) >= 30, "thirty items to stand in the queue")


def open_items(site: RunningSite) -> int:
    return len(
        site.rows("SELECT 1 FROM moderation_screening WHERE is_current AND outcome = '' AND queued_for <> ''")
    )


def log_in(page: Page, site: RunningSite, username: str = USERNAME) -> Page:
    page.goto(f"{site.url}/admin/moderation/screening/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(current(page)).to_be_visible()
    return page


@pytest.fixture
def queue(page: Page, site: RunningSite) -> Page:
    return log_in(page, site)


@pytest.fixture
def colleague(browser: Browser, site: RunningSite) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield log_in(context.new_page(), site, COLLEAGUE)
    context.close()


def current(page: Page) -> Locator:
    return page.locator(".moderation-item[data-current]")


def id_of(item: Locator) -> int:
    return int((item.get_attribute("id") or "").rpartition("-")[2])


def read(page: Page) -> int:
    """Look at the current item for long enough; its id."""
    page.wait_for_timeout(READING_MILLISECONDS)
    return id_of(current(page))


def line_of(page: Page, item: int) -> Locator:
    return page.locator(f"#moderation-item-{item} .moderation-line")


def press(page: Page, key: str) -> int:
    """Read the current item and press a key on it; its id, when the next one is there."""
    item = read(page)
    page.keyboard.press(key)
    expect(line_of(page, item)).to_be_visible()
    expect(current(page)).not_to_have_id(f"moderation-item-{item}")
    return item


def decision_of(site: RunningSite, item: int) -> str:
    rows = site.rows("SELECT decision FROM moderation_review WHERE screening_id = ? ORDER BY number", item)
    return ",".join(row["decision"] for row in rows)


def settled(page: Page, item: int) -> None:
    expect(line_of(page, item)).not_to_contain_text("Recording")


def test_one_key_decides_and_the_next_item_is_there(
    queue: Page, site: RunningSite, screenshot: Screenshot
) -> None:
    address = queue.url
    upheld = press(queue, "u")
    harmless = press(queue, "f")
    skipped = press(queue, "s")
    for item in (upheld, harmless, skipped):
        settled(queue, item)
    assert decision_of(site, upheld) == "uphold"
    assert decision_of(site, harmless) == "false_positive"
    assert decision_of(site, skipped) == ""
    assert queue.evaluate("document.activeElement.closest('.moderation-item').hasAttribute('data-current')")
    expect(line_of(queue, upheld)).to_contain_text("uphold")
    expect(line_of(queue, upheld).get_by_text(re.compile(r"Comment \d+"))).not_to_have_count(0)
    expect(queue.locator(".moderation-line", has_text=re.compile(r"(Comment \d+)\b.*\1\b"))).to_have_count(0)
    expect(queue.locator("#moderation-said")).not_to_be_empty()
    assert queue.url == address
    screenshot("console")
    queue.keyboard.press("z")
    expect(current(queue)).to_have_id(f"moderation-item-{skipped}")


def test_digits_tick_labels_and_r_relabels(queue: Page, site: RunningSite) -> None:
    item = read(queue)
    threat = current(queue).get_by_role("checkbox", name="threat", exact=True)
    assert not threat.is_checked()
    queue.keyboard.press("4")
    expect(threat).to_be_checked()
    expect(queue.locator("#moderation-said")).to_have_text("threat: ticked")
    queue.keyboard.press("r")
    settled(queue, item)
    (review,) = site.rows("SELECT * FROM moderation_review WHERE screening_id = ?", item)
    assert (review["decision"], site.labels_of(review)["threat"]) == ("relabel", True)


def test_o_and_a_digit_uphold_one_label_alone(queue: Page, site: RunningSite, screenshot: Screenshot) -> None:
    item = read(queue)
    queue.keyboard.press("o")
    expect(current(queue).locator(".moderation-only button").first).to_be_focused()
    screenshot("console-one-label")
    queue.keyboard.press("2")
    settled(queue, item)
    (review,) = site.rows("SELECT * FROM moderation_review WHERE screening_id = ?", item)
    assert review["decision"] == "uphold"
    assert [value for value in site.labels_of(review).values() if value is not None] == [True]


def test_another_reason_and_a_note_by_keys(queue: Page, site: RunningSite, screenshot: Screenshot) -> None:
    item = read(queue)
    queue.keyboard.press("n")
    queue.keyboard.type("usual suspect")
    queue.keyboard.press("Escape")
    queue.keyboard.press("h")
    screenshot("console-reasons")
    queue.keyboard.press("1")
    settled(queue, item)
    (review,) = site.rows("SELECT * FROM moderation_review WHERE screening_id = ?", item)
    assert (review["decision"], review["reason"], review["note"]) == ("other_reason", "spam", "usual suspect")


def test_a_skip_is_undone_by_z(queue: Page) -> None:
    item = press(queue, "s")
    settled(queue, item)
    queue.keyboard.press("z")
    expect(current(queue)).to_have_id(f"moderation-item-{item}")
    expect(line_of(queue, item)).to_have_count(0)
    queue.reload()
    expect(queue.locator(f"#moderation-item-{item}")).to_be_visible()


def test_a_key_on_an_item_that_was_just_shown_does_nothing(queue: Page, site: RunningSite) -> None:
    item = read(queue)
    queue.keyboard.press("u")
    queue.keyboard.press("u")
    queue.keyboard.press("u")
    following = read(queue)
    settled(queue, item)
    assert decision_of(site, item) == "uphold"
    assert decision_of(site, following) == ""
    expect(line_of(queue, following)).to_have_count(0)


def test_one_click_decides_any_item_on_the_page(queue: Page, site: RunningSite) -> None:
    queue.wait_for_timeout(READING_MILLISECONDS)
    other = queue.locator(".moderation-item[data-open]:not([data-current], [data-held])").nth(2)
    item = id_of(other)
    queue.locator(f"#moderation-item-{item}").get_by_role("button", name="False positive").click()
    settled(queue, item)
    expect(line_of(queue, item)).to_contain_text("false positive")
    assert decision_of(site, item) == "false_positive"


def test_a_list_of_decided_items_is_not_called_empty(queue: Page, site: RunningSite) -> None:
    settled(queue, press(queue, "u"))
    with queue.expect_response("**/deal/*"):
        queue.goto(f"{site.url}/admin/moderation/screening/?state=decided")
    expect(queue.locator(".moderation-item").first).to_be_visible()
    queue.wait_for_timeout(READING_MILLISECONDS)
    expect(queue.locator(".moderation-empty")).to_have_count(0)


def test_keys_are_letters_while_somebody_types(queue: Page, site: RunningSite) -> None:
    before = open_items(site)
    queue.keyboard.press("/")
    queue.keyboard.type("fusrj?")
    expect(queue.locator("#searchbar")).to_have_value("fusrj?")
    queue.keyboard.press("Control+u")
    assert open_items(site) == before


def test_the_list_of_keys_and_the_way_to_turn_them_off(queue: Page, screenshot: Screenshot) -> None:
    queue.keyboard.press("?")
    expect(queue.get_by_role("dialog", name="Keys")).to_be_visible()
    screenshot("console-keys")
    queue.keyboard.press("u")
    queue.keyboard.press("Escape")
    expect(queue.get_by_role("dialog", name="Keys")).to_be_hidden()
    expect(queue.locator(".moderation-line")).to_have_count(0)


def test_a_slow_double_click_decides_one_item(queue: Page, site: RunningSite) -> None:
    first = read(queue)
    box = current(queue).get_by_role("button", name="Uphold").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    queue.mouse.click(x, y)
    queue.wait_for_timeout(800)
    second = id_of(current(queue))
    queue.mouse.click(x, y)
    expect(queue.locator(f"#moderation-item-{second} .moderation-failed")).to_contain_text("double click")
    settled(queue, first)
    assert (decision_of(site, first), decision_of(site, second)) == ("uphold", "")
    queue.wait_for_timeout(800)
    current(queue).get_by_role("button", name="Uphold").click()
    settled(queue, second)
    site.wait_for(lambda: decision_of(site, second) == "uphold", "the click of a person who has read it")


def test_j_and_k_move_among_the_items(queue: Page) -> None:
    first = id_of(current(queue))
    queue.keyboard.press("j")
    expect(current(queue)).not_to_have_id(f"moderation-item-{first}")
    queue.keyboard.press("k")
    expect(current(queue)).to_have_id(f"moderation-item-{first}")


def test_two_people_are_never_given_the_same_item(queue: Page, colleague: Page, site: RunningSite) -> None:
    mine, theirs = [], []
    for _ in range(4):
        mine.append(press(queue, "u"))
        theirs.append(press(colleague, "f"))
    assert not set(mine) & set(theirs)
    for page, items in ((queue, mine), (colleague, theirs)):
        for item in items:
            settled(page, item)
            expect(line_of(page, item)).not_to_contain_text("Not recorded")
    assert {decision_of(site, item) for item in mine} == {"uphold"}
    assert {decision_of(site, item) for item in theirs} == {"false_positive"}


def test_what_a_colleague_looks_at_and_decides_shows_by_itself(queue: Page, colleague: Page) -> None:
    decided = queue.locator('.moderation-count[data-tab="decided"]')
    before = int(decided.inner_text())
    item = read(colleague)
    on_my_page = queue.locator(f"#moderation-item-{item}")
    expect(on_my_page).to_contain_text(f"{COLLEAGUE} looks at this")
    expect(on_my_page.get_by_role("button", name="Uphold")).to_be_hidden()
    press(colleague, "f")
    expect(line_of(queue, item)).to_contain_text(f"{COLLEAGUE}: false positive")
    expect(decided).to_have_text(str(before + 1))


def test_an_item_is_taken_over_knowingly(queue: Page, colleague: Page, site: RunningSite) -> None:
    item = read(colleague)
    colleague.route("**/states/", lambda route: route.abort())  # the next look would tell, and hold the key
    on_my_page = queue.locator(f"#moderation-item-{item}")
    on_my_page.get_by_role("button", name="Take over").click()
    expect(current(queue)).to_have_id(f"moderation-item-{item}")
    colleague.keyboard.press("u")
    expect(colleague.locator(f"#moderation-item-{item} .moderation-failed")).to_contain_text("looks at this")
    assert decision_of(site, item) == ""
    press(queue, "f")
    settled(queue, item)
    assert decision_of(site, item) == "false_positive"


def test_what_nobody_works_at_any_more_is_free_again(queue: Page, colleague: Page, site: RunningSite) -> None:
    item = read(colleague)
    colleague.close()
    queue.wait_for_timeout(21_000)
    queue.reload()
    expect(queue.locator(f"#moderation-item-{item}[data-held]")).to_have_count(0)
    expect(current(queue)).to_be_visible()


def test_nothing_is_lost_while_the_network_is_away(browser: Browser, site: RunningSite) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = log_in(context.new_page(), site)
    item = read(page)
    context.set_offline(True)
    page.keyboard.press("u")
    failed = page.locator(f"#moderation-item-{item} .moderation-failed")
    expect(failed).to_contain_text("cannot be reached")
    expect(page.locator("#moderation-said")).to_contain_text("Not recorded")
    assert decision_of(site, item) == ""
    context.set_offline(False)
    page.locator(f"#moderation-item-{item}").focus()
    press(page, "u")
    settled(page, item)
    assert decision_of(site, item) == "uphold"
    context.close()


def test_after_a_lost_session_one_logs_in_beside_and_presses_again(
    browser: Browser, site: RunningSite
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = log_in(context.new_page(), site)
    item = read(page)
    context.clear_cookies(name="sessionid")
    page.keyboard.press("u")
    failed = page.locator(f"#moderation-item-{item} .moderation-failed")
    expect(failed).to_contain_text("your session has ended")
    with context.expect_page() as opened:
        failed.get_by_role("link", name="Log in").click()
    log_in_again = opened.value
    log_in_again.get_by_label("Username").fill(USERNAME)
    log_in_again.get_by_label("Password").fill(PASSWORD)
    log_in_again.get_by_role("button", name="Log in").click()
    expect(current(log_in_again)).to_be_visible()
    page.locator(f"#moderation-item-{item}").focus()
    press(page, "u")
    settled(page, item)
    assert decision_of(site, item) == "uphold"
    context.close()


def test_two_tabs_of_one_person_go_on_together(queue: Page, site: RunningSite) -> None:
    other = queue.context.new_page()
    other.goto(f"{site.url}/admin/moderation/screening/")
    expect(current(other)).to_be_visible()
    item = press(queue, "u")
    settled(queue, item)
    other.bring_to_front()
    line = line_of(other, item)
    expect(line).to_contain_text("uphold")
    assert press(other, "f") != item


def test_buttons_stay_in_sight_however_long_the_text(queue: Page, site: RunningSite) -> None:
    text = "You stupid fucking idiot. " + "This goes on and on, line by line.\n" * 80
    site.post(text, name="Long")
    site.screening_of(text.strip())
    queue.goto(f"{site.url}/admin/moderation/screening/?o=newest")
    item = queue.locator(".moderation-item", has_text="This goes on").first
    item.locator("summary", has_text=re.compile("Show all")).click()
    item.evaluate("item => item.scrollIntoView({block: 'start'})")
    assert item.bounding_box()["height"] > 1500  # type: ignore[index]
    expect(item.get_by_role("button", name="False positive")).to_be_in_viewport()


def test_all_of_it_is_there_without_a_script(browser: Browser, site: RunningSite) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{site.url}/admin/moderation/screening/")
    page.get_by_label("Username").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    def first() -> Locator:
        return page.locator(".moderation-item[data-open]:not([data-held])").first

    page.wait_for_timeout(READING_MILLISECONDS)
    skipped = id_of(first())
    first().get_by_role("button", name="Skip").click()
    expect(page.get_by_text("Left to others.")).to_be_visible()
    expect(page.locator(f"#moderation-item-{skipped}")).to_have_count(0)

    page.wait_for_timeout(READING_MILLISECONDS)
    item = id_of(first())
    first().locator("summary", has_text="Another reason").click()
    first().get_by_label("Note").fill("by form")
    first().get_by_role("button", name="off topic").click()
    assert decision_of(site, item) == "other_reason"

    page.wait_for_timeout(READING_MILLISECONDS)
    page.get_by_role("button", name="Take the next items").click()
    expect(page.get_by_text("yours now")).to_be_visible()
    context.close()
