"""Reads a page of the docs as a person who follows it: which files to write, which commands to run.

The first word after the fence is the language, the rest says what is done with the block:

    ```python blog/models.py               the file is written
    ```python site/settings.py (append)    the lines are added to it
    ```sh                                  run, and must end with exit code 0
    ```sh background                       started, and left running
    ```sh soon                             run again until it prints the block that follows
    ```sh install                          what the tests' environment stands for; not run
    ```text                                what the command before it prints, among other things
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

APPEND = " (append)"
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    about: str
    """What stands behind the language: a file's name or what is done with the command."""
    body: str
    expected: str = ""
    """The output that the page promises, without the white space at its ends."""

    @property
    def is_command(self) -> bool:
        """Whether a shell is to run it."""
        return self.language == "sh"

    @property
    def is_file(self) -> bool:
        """Whether it is written, or added, to a file."""
        return not self.is_command and bool(self.about)


def read(page: Path) -> list[Block]:
    """The blocks of a page in their order, each command with the output that follows it."""
    blocks: list[Block] = []
    for language, about, body in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "text":
            last = blocks.pop()
            blocks.append(Block(last.language, last.about, last.body, body.strip()))
        else:
            blocks.append(Block(language, about.strip(), body))
    return blocks


def write(block: Block, root: Path) -> None:
    """Write a block's file under `root`, or add to the one that is there."""
    path = root / block.about.removesuffix(APPEND)
    if block.about.endswith(APPEND):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" + block.body)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.body, encoding="utf-8")
