"""The API's page in a browser, under the site's strict Content-Security-Policy."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.running_site import PASSWORD, USERNAME, RunningSite

pytestmark = pytest.mark.browser
Screenshot = Callable[[str], None]


def test_the_page_is_styled_and_each_link_leads_to_its_section(
    page: Page, site: RunningSite, screenshot: Screenshot
) -> None:
    page.goto(f"{site.url}/admin/")
    page.get_by_label("Username").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Log out").or_(page.get_by_text("Log out"))).to_be_visible()
    response = page.goto(f"{site.url}/api/moderation/docs/")
    assert response is not None and response.status == 200
    expect(page.get_by_role("heading", name="Comment moderation: API", level=1)).to_be_visible()
    assert page.locator("nav ul").evaluate("list => getComputedStyle(list).listStyleType") == "none"
    screenshot("api-docs")
    page.get_by_role("navigation").get_by_role(
        "link", name="POST /api/moderation/reviews/", exact=True
    ).click()
    expect(page.get_by_role("region", name="POST /api/moderation/reviews/", exact=True)).to_be_in_viewport()
    page.get_by_role("link", name="DecisionRequest").click()
    expect(page.get_by_role("region", name="DecisionRequest")).to_be_in_viewport()
    screenshot("api-docs-bodies")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
