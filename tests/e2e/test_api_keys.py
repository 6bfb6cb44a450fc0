"""API keys in a browser: one is made, shown once, used by a program, and revoked."""

import json
from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.running_site import PASSWORD, USERNAME, RunningSite

pytestmark = pytest.mark.browser
Screenshot = Callable[[str], None]


def classify(site: RunningSite, key: str) -> tuple[int, dict[str, object]]:
    """What a program with this key is answered."""
    connection = HTTPConnection(str(urlsplit(site.url).netloc), timeout=60)
    try:
        headers = {"Content-Type": "application/json", "X-Goog-Api-Key": key}
        body = json.dumps({"text": "You are a stupid idiot."})
        connection.request("POST", "/api/moderation/classify/", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_key_is_made_shown_once_used_and_revoked(
    page: Page, site: RunningSite, screenshot: Screenshot
) -> None:
    page.goto(f"{site.url}/admin/moderation/apikey/add/")
    page.get_by_label("Username").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Name", exact=False).first.fill("the blog")
    for scope in ("analyze", "classify"):
        page.get_by_role("checkbox", name=scope).check()
    assert page.locator(".submit-row input").count() == 1
    screenshot("api-key-form")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("heading", name="The API key “the blog” was made")).to_be_visible()
    key = page.locator(".moderation-key").inner_text()
    screenshot("api-key-made")
    status, answer = classify(site, key)
    assert status == 200 and answer["flagged"] is True

    page.get_by_role("link", name="To the list of keys").click()
    expect(page.get_by_role("link", name="the blog")).to_be_visible()
    assert key not in page.content()
    screenshot("api-keys")
    page.get_by_role("link", name="the blog").click()
    screenshot("api-key")
    page.get_by_role("link", name="Revoke").click()
    screenshot("api-key-revoke")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("1 key was revoked.")).to_be_visible()
    screenshot("api-keys-revoked")
    status, problem = classify(site, key)
    assert (status, problem["code"], problem["detail"]) == (401, "revoked", "The API key was revoked.")
