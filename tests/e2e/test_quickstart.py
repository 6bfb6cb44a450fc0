"""docs/quickstart.md, followed to the letter on a fresh project with a real Redis and a real worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mysite.demo.environment import BASE_DIR
from mysite.demo.processes import Children
from tests.e2e import guide
from tests.e2e.guide import Block
from tests.servers import RedisServer

PAGE = BASE_DIR / "docs" / "quickstart.md"
PATIENCE = 120


class Reader:
    """Somebody in a folder of their own, with the package installed and a Redis running."""

    def __init__(self, root: Path, redis_url: str, children: Children) -> None:
        self.root = root
        self.children = children
        settings = ("DJANGO_", "SECRET_KEY", "DEBUG", "DATABASE_URL", "TEXT_KEY_SECRET", "TEST_")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(settings)}
        self.environment = {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(BASE_DIR),  # instead of `pip install`
            "REDIS_URL": redis_url,
            "HF_HUB_OFFLINE": "1",
        }

    def follow(self, blocks: list[Block]) -> dict[str, str]:
        """Do what the page says; {command: what it printed}."""
        printed = {}
        for number, block in enumerate(blocks):
            if block.is_file:
                guide.write(block, self.root)
            elif block.is_command and block.about == "background":
                log = self.root / f"background-{number}.log"
                command = ["sh", "-c", f'cd "$1" && exec {block.body}', "sh", str(self.root)]
                self.children.start("worker", command, log, environment=self.environment)
            elif block.is_command and block.about != "install":
                printed[block.body.strip()] = self._run(block)
        return printed

    def _run(self, block: Block) -> str:
        deadline = time.monotonic() + (PATIENCE if block.about == "soon" else 0)
        while True:
            done = subprocess.run(
                ["sh", "-e", "-c", block.body],
                cwd=self.root,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            assert done.returncode == 0, f"{block.body}\n{done.stdout}\n{done.stderr}"
            if block.expected in done.stdout:
                return done.stdout
            assert time.monotonic() < deadline, f"{block.body}\nprinted:\n{done.stdout}"
            time.sleep(0.5)


@pytest.fixture
def reader(tmp_path: Path, redis_server: RedisServer) -> Iterator[Reader]:
    """In an empty folder; whatever was started ends with the test."""
    with Children() as children:
        yield Reader(tmp_path, redis_server.url, children)


@pytest.mark.regression("S4")
def test_page_leads_from_startproject_to_a_held_comment(reader: Reader) -> None:
    printed = reader.follow(guide.read(PAGE))

    health = printed["python manage.py moderation_health"]
    assert "WRONG" not in health
    assert {"model", "broker", "workers", "backlog"} <= {line.split()[1] for line in health.splitlines()}


@pytest.mark.regression("S4")
def test_page_has_a_block_of_each_kind() -> None:
    blocks = guide.read(PAGE)
    assert {block.about for block in blocks if block.is_command} == {"", "install", "background", "soon"}
    assert sum(block.is_file for block in blocks) == 4
    assert sum(bool(block.expected) for block in blocks) == 2
