"""The queue in a browser: a moderator logs in and decides, with the mouse and with the keyboard alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.running_site import PASSWORD, SQUARE, USERNAME, RunningSite

pytestmark = pytest.mark.browser
MODERATION = {"BLIND_SHARE": 0}
"""Every flagged item shows its scores."""

MILLISECONDS_TO_LOOK = 700
"""Nobody decides faster than this about an item that has just come; the page refuses it, too."""

Screenshot = Callable[[str], None]

INSULT = "You are a fucking idiot, shut up you stupid piece of shit."
THREAT = "I will find you and kill you, you worthless bitch. You are going to die."
PLANTED = "<b id=planted>You are a stupid fucking moron, shut your mouth, you piece of shit</b>"


@pytest.fixture(scope="module", autouse=True)
def toxic_comments(site: RunningSite) -> None:
    """Three comments that stand in the queue."""
    for text in (INSULT, THREAT, PLANTED):
        site.post(text, name="<i>Troll</i>")
        assert site.screening_of(text)["queued_for"] in {"held", "flagged"}


@pytest.fixture
def queue(page: Page, site: RunningSite) -> Page:
    """The queue, opened by a moderator who logged in for it."""
    page.goto(f"{site.url}/admin/moderation/screening/")
    page.get_by_label("Username").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Moderation queue")).to_be_visible()
    page.wait_for_timeout(MILLISECONDS_TO_LOOK)
    return page


def item_with(page: Page, text: str) -> Locator:
    """The item of this text, which others may quote, while it is not folded away."""
    own = page.locator(".moderation-body .moderation-text", has_text=text)
    return page.locator(".moderation-item:not(.moderation-folded)").filter(has=own)


def expect_decided(page: Page, text: str) -> None:
    """The item has gone from the queue, and the server has said so."""
    expect(item_with(page, text)).to_have_count(0)
    expect(page.get_by_text("Recording")).to_have_count(0)


def focused(page: Page) -> str:
    """The name of what has the keyboard's focus: a button's words, a checkbox's label."""
    name: str = page.evaluate(
        "() => { const e = document.activeElement; return (e.closest('label') || e).textContent.trim() }"
    )
    return name


def test_the_queue_shows_texts_escaped_and_a_meter_for_each_label(
    queue: Page, site: RunningSite, screenshot: Screenshot
) -> None:
    planted = item_with(queue, PLANTED)
    expect(planted).to_have_count(1)
    assert queue.locator("#planted").count() == 0
    scores = site.screening_of(INSULT)["scores"]
    meters = item_with(queue, INSULT).get_by_role("meter")
    assert meters.count() == len(scores)
    for label, score in scores.items():
        meter = item_with(queue, INSULT).get_by_role("meter", name=label.replace("_", " "), exact=True)
        assert float(meter.get_attribute("aria-valuenow") or "nan") == pytest.approx(score, abs=0.006)
    screenshot("queue")


def test_two_whole_items_are_in_view_on_a_small_laptop(queue: Page) -> None:
    queue.set_viewport_size({"width": 1280, "height": 900})
    whole = queue.locator(".moderation-item").evaluate_all(
        "items => items.map(item => item.getBoundingClientRect())"
        ".filter(box => box.top >= 0 && box.bottom <= innerHeight).length"
    )
    assert whole >= 2


def test_relabelling_by_mouse_stores_the_ticked_labels_and_hides_the_comment(
    queue: Page, site: RunningSite, screenshot: Screenshot
) -> None:
    item = item_with(queue, INSULT)
    before = site.screening_of(INSULT)
    for label in ("toxic", "severe toxic", "obscene", "threat", "insult", "identity hate"):
        item.get_by_role("checkbox", name=label, exact=True).set_checked(label in {"toxic", "insult"})
    screenshot("queue-relabelling")
    item.get_by_role("button", name="Relabel").click()

    expect_decided(queue, INSULT)
    (review,) = site.rows("SELECT * FROM moderation_review WHERE screening_id = ?", before["id"])
    assert review["decision"] == "relabel"
    assert review["outcome"] == "hide"
    assert review["reviewer_name"] == USERNAME
    labels = site.labels_of(review)
    assert {label for label, is_true in labels.items() if is_true} == {"toxic", "insult"}
    assert None not in labels.values()
    after = site.screening_of(INSULT)
    assert (after["outcome"], after["is_public"]) == ("hide", 0)
    assert site.rows("SELECT * FROM moderation_auditentry WHERE target_id = ?", str(before["id"]))
    screenshot("queue-after-relabelling")


def test_a_false_positive_by_keyboard_alone_shows_the_comment_again(
    queue: Page, site: RunningSite, screenshot: Screenshot
) -> None:
    before = site.screening_of(THREAT)
    wanted = item_with(queue, THREAT).get_by_role("button", name="False positive")
    for _ in range(200):
        queue.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            break
    assert "False positive" in focused(queue)
    screenshot("queue-keyboard-focus")
    queue.keyboard.press("Enter")

    expect_decided(queue, THREAT)
    (review,) = site.rows("SELECT * FROM moderation_review WHERE screening_id = ?", before["id"])
    assert (review["decision"], review["outcome"]) == ("false_positive", "show")
    assert set(site.labels_of(review).values()) == {False}
    assert site.screening_of(THREAT)["is_public"] == 1
    queue.goto(f"{site.url}/articles/{SQUARE}/")
    expect(queue.get_by_text(THREAT)).to_be_visible()


def test_checkboxes_are_ticked_with_the_space_bar(queue: Page, site: RunningSite) -> None:
    item = item_with(queue, PLANTED)
    before = site.screening_of(PLANTED)
    checkbox = item.get_by_role("checkbox", name="threat", exact=True)
    assert not checkbox.is_checked()
    checkbox.focus()
    queue.keyboard.press("Space")
    expect(checkbox).to_be_checked()
    for _ in range(10):
        queue.keyboard.press("Tab")
        if focused(queue) == "Relabel":
            break
    queue.keyboard.press("Enter")

    expect_decided(queue, PLANTED)
    (review,) = site.rows("SELECT * FROM moderation_review WHERE screening_id = ?", before["id"])
    assert site.labels_of(review)["threat"] is True


def test_the_queue_is_closed_to_visitors(page: Page, site: RunningSite) -> None:
    page.goto(f"{site.url}/admin/moderation/screening/")
    expect(page.get_by_label("Username")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(0)


def test_the_queue_fits_a_telephone_and_the_dark(
    queue: Page, site: RunningSite, screenshot: Screenshot
) -> None:
    site.post(INSULT + " And so is your dog.")
    site.screening_of(INSULT + " And so is your dog.")
    queue.emulate_media(color_scheme="dark")
    queue.set_viewport_size({"width": 390, "height": 800})
    queue.reload()
    assert queue.evaluate("document.documentElement.scrollWidth") <= 390
    screenshot("queue-telephone-dark")
