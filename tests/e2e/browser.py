"""Finds a Chromium, or gets one: `python -m tests.e2e.browser --install`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


def arguments() -> list[str]:
    """What to start it with; root has to go without Chromium's sandbox, which refuses root."""
    return [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS


def find() -> str | None:
    """The system's Chromium, else the one that Playwright downloaded; its path, or None."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        downloaded = playwright.chromium.executable_path
    return downloaded if Path(downloaded).exists() else None


def install() -> str | None:
    """The Chromium there is, else Playwright's download, else the system package where we are root."""
    if path := find():
        return path
    attempts = [[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]]
    if os.geteuid() != 0:
        attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    elif shutil.which("apt-get"):
        attempts += [["apt-get", "update"], ["apt-get", "install", "--yes", "chromium"]]
    for command in attempts:
        print(f"No Chromium here; trying: {' '.join(command)}", flush=True)
        try:
            subprocess.run(command, check=False, timeout=900, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"That failed ({type(error).__name__}).", flush=True)
        if path := find():
            return path
    return None


def main() -> int:
    """Print where the browser is. Without one the tests themselves say so, and fail with REQUIRE_BROWSER."""
    path = install() if "--install" in sys.argv[1:] else find()
    print(f"Browser for the tests: {path or 'NONE, and none could be installed'}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
