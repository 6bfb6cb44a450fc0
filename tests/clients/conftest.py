"""The running servers, and Node.js. Without it its tests are reported as not run, or fail in CI."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mysite.demo.processes import Children
from tests.clients import node
from tests.clients.servers import RunningServer, start_serve, start_site

NOT_RUN = "Node.js or its clients were not found"
STARTS = {"site": start_site, "serve": start_serve}


@pytest.fixture(scope="package", params=STARTS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """Each of the two servers in turn."""
    with Children() as children:
        yield STARTS[request.param](children, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def run_node() -> Callable[..., Any]:
    """Runs npm/analyze.js with arguments, and returns the JSON that it prints."""
    path = node.find()
    if path is None:
        message = f"{NOT_RUN}; `python -m tests.clients.node --install` tries to get them"
        if node.is_required():
            pytest.fail(message)
        pytest.skip(message)

    def run(*arguments: str) -> Any:
        command = [path, str(node.FOLDER / "analyze.js"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that the clients of Node.js were not run."""
    reports = terminalreporter.stats.get("skipped", [])
    count = sum(NOT_RUN in str(report.longrepr) for report in reports)
    if count:
        terminalreporter.write_sep("!", f"{count} TESTS OF CLIENTS WERE NOT RUN: {NOT_RUN}", red=True)
