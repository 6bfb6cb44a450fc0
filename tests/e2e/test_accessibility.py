"""axe-core finds nothing wrong of ours on any page: at two widths, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.clients import node
from tests.e2e.running_site import PASSWORD, USERNAME, RunningSite

pytestmark = pytest.mark.browser
MODERATION = {"BLIND_SHARE": 0}
AXE = node.FOLDER / "node_modules" / "axe-core" / "axe.min.js"
TEXTS = (
    "You are a fucking idiot, shut up you stupid piece of shit.",
    "I will find you and kill you, you worthless bitch. You are going to die.",
    "What a moron. \u202eeman ym\u202c",
)
OF_THE_ADMIN = {
    "label-title-only": "#searchbar",
    "link-in-text-block": "",
    "landmark-one-main": "",
    "region": "",
}
"""Rules that pages of Django's own break, and where: "" is anywhere."""
ITEM = "/admin/moderation/screening/{item}/change/"
PAGES = {
    "index": "/admin/",
    "queue": "/admin/moderation/screening/",
    "decided": "/admin/moderation/screening/?state=decided",
    "item": ITEM,
    "policies": "/admin/moderation/policy/",
    "thresholds": "/admin/moderation/policy/add/",
    "apply": "/admin/moderation/policy/apply/",
    "reviews": "/admin/moderation/review/",
    "audit": "/admin/moderation/auditentry/",
}
CHECK = """async () => {
    const result = await axe.run(document, {resultTypes: ["violations"]});
    return result.violations.map(({id, help, nodes}) =>
        ({id, help, nodes: nodes.map(({html, target}) =>
            ({html: html.slice(0, 200), target: String(target)}))}));
}"""


@pytest.fixture(scope="module")
def item(site: RunningSite) -> int:
    """Three comments stand in the queue; the id of one."""
    if not AXE.exists():
        message = "axe-core is not there; `python -m tests.clients.node --install` tries to get it"
        if node.is_required():
            pytest.fail(message)
        pytest.skip(message)
    ids = []
    for text in TEXTS:
        site.post(text)
        ids.append(site.screening_of(text)["id"])
    return int(ids[0])


@pytest.fixture(
    params=[("light", 1280), ("dark", 1280), ("light", 390)], ids=lambda given: "-".join(map(str, given))
)
def moderator(request: pytest.FixtureRequest, browser: Browser, site: RunningSite) -> Iterator[Page]:
    """A page of a moderator who is logged in."""
    scheme, width = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{site.url}/admin/login/?next=/admin/")
    page.get_by_label("Username").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    yield page
    context.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong, but for what pages of Django's admin have themselves."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(CHECK)
    return [
        f"{each['id']}: {each['help']}: {node_['target']} {node_['html']}"
        for each in found
        for node_ in each["nodes"]
        if not (each["id"] in OF_THE_ADMIN and OF_THE_ADMIN[each["id"]] in node_["target"])
    ]


def test_no_page_breaks_a_rule(moderator: Page, site: RunningSite, item: int) -> None:
    broken = {}
    for name, path in PAGES.items():
        moderator.goto(f"{site.url}{path.format(item=item)}")
        wrong = violations(moderator)
        if wrong:
            broken[name] = wrong
        width = moderator.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert width <= 0, f"{name} is {width} px too wide"
    assert broken == {}


def test_a_preview_of_thresholds_breaks_no_rule(moderator: Page, site: RunningSite, item: int) -> None:
    moderator.goto(f"{site.url}/admin/moderation/policy/add/")
    moderator.get_by_label("toxic: flag from", exact=True).fill("0")
    moderator.get_by_role("button", name="See what would change").click()
    moderator.get_by_role("heading", name="What would change").wait_for()
    assert violations(moderator) == []


def test_the_checker_finds_what_is_wrong(moderator: Page, site: RunningSite, item: int) -> None:
    moderator.goto(f"{site.url}/admin/moderation/policy/add/")
    moderator.evaluate("document.querySelector('#policy-model').labels[0].remove()")
    assert any(each.startswith("select-name") for each in violations(moderator))
