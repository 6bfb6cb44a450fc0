"""What docs/perspective-migration.md has people run is run, against both servers."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from mysite.demo.environment import BASE_DIR
from tests.clients import node
from tests.clients.servers import RunningServer

PAGE = (BASE_DIR / "docs" / "perspective-migration.md").read_text(encoding="utf-8")
PAGE_ROOT = "http://127.0.0.1:8080"


def block(language: str, word: str) -> str:
    """The block of code in that language that has the word."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (text,) = [each for each in blocks if word in each]
    return str(text)


def root_of(server: RunningServer) -> str:
    """The root as the page writes it, without a slash at its end."""
    return server.root.rstrip("/")


def test_the_curl_line_is_answered(server: RunningServer) -> None:
    command = block("", "comments:analyze?key=$KEY").replace(PAGE_ROOT, root_of(server))
    done = subprocess.run(
        ["bash", "-ec", command],
        env={"KEY": server.key, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.5


def test_the_script_prints_a_score(server: RunningServer, capsys: pytest.CaptureFixture[str]) -> None:
    script = block("python", "googleapiclient").replace(PAGE_ROOT, root_of(server))
    exec(compile(script, "docs/perspective-migration.md", "exec"), {"KEY": server.key})  # noqa: S102
    assert float(capsys.readouterr().out) > 0.5


def test_the_lines_for_a_browser_read_a_score(server: RunningServer, run_node: Callable[..., Any]) -> None:
    assert node.find()
    values = {"ROOT": root_of(server), "KEY": server.key, "text": "You are a moron."}
    lines = [f"const {name} = {json.dumps(value)};" for name, value in values.items()]
    script = "\n".join([*lines, block("js", "await fetch"), "console.log(score);"])
    done = subprocess.run(
        [node.find() or "", "--input-type=module"], input=script, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) > 0.5


def test_the_lines_that_redirect_a_constant_redirect_it(
    server: RunningServer, run_node: Callable[..., Any]
) -> None:
    script = "\n".join(
        [
            f"const ROOT = {json.dumps(root_of(server))};",
            block("js", "interceptors"),
            'const Perspective = require("perspective-api-client");',
            f"new Perspective({{ apiKey: {json.dumps(server.key)} }})",
            '  .analyze("You are a moron.")',
            "  .then((answer) => console.log(answer.attributeScores.TOXICITY.summaryScore.value));",
        ]
    )
    done = subprocess.run(
        [node.find() or "", "-e", script], cwd=node.FOLDER, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) > 0.5


def test_a_digest_that_the_page_makes_opens_the_server() -> None:
    commands = block("", "sha256sum").split("docker compose")[0].replace("> perspective-keys", "")
    script = f'{commands}printf "%s" "$KEY" | sha256sum | cut -d" " -f1'
    printed = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=True).stdout
    line, digest = printed.split()
    assert line == f"sha256:{digest}"
    assert re.fullmatch(r"[0-9a-f]{64}", digest)


def test_the_page_names_the_same_errors_as_the_wire() -> None:
    source = (BASE_DIR / "toxicity_ml" / "perspective" / "errors.py").read_text(encoding="utf-8")
    table = PAGE.split("## Errors")[1].split("\n## ")[0]
    codes = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", table))
    assert len(codes) > 10
    assert sorted(code for code in codes if code not in source) == []
