"""The running site and the browser. Without a Chromium these tests are reported as not run, or fail where
REQUIRE_BROWSER is set, as it is in CI."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mysite.demo.processes import Children
from tests.e2e import browser as chromium
from tests.e2e.running_site import RunningSite, work_directory

SCREENSHOTS = Path(__file__).parent / "screenshots"
NOT_RUN = "no Chromium was found"
PAGE_MILLISECONDS = 120_000
"""That a page may take on a loaded machine."""
expect.set_options(timeout=PAGE_MILLISECONDS)


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """Redis, a worker process and the server, with a moderator's account; fresh for each test module.

    A module's MODERATION has the keys of that setting in which its site differs from the demo's.
    """
    with Children() as children:
        moderation = getattr(request.module, "MODERATION", {})
        running = RunningSite(work_directory(tmp_path_factory.mktemp("site")), children, moderation)
        running.start()
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium. It is closed with the module: while Playwright's event loop is there, Django
    refuses database work on this thread, and other tests' fixtures do some."""
    path = chromium.find()
    if path is None:
        message = f"{NOT_RUN}; `python -m tests.e2e.browser --install` tries to get one"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a fresh context. A test fails when the page logged an error or asked another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PAGE_MILLISECONDS)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    opened.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    opened.on(
        "request",
        lambda request: (
            None
            if "127.0.0.1" in request.url or request.url.startswith("data:")
            else complaints.append(request.url)
        ),
    )
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def screenshot(page: Page, request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Save what the page looks like as tests/e2e/screenshots/<name>.png, for people to look at."""

    def save(name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return save


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that the browser tests were not run."""
    skipped = [
        report for report in terminalreporter.stats.get("skipped", []) if NOT_RUN in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.write_sep("!", f"{len(skipped)} BROWSER TESTS WERE NOT RUN: {NOT_RUN}", red=True)
