"""Docstrings are plain: none has a turn of phrase that makes a reader stop and guess."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("moderation", "toxicity_ml", "mysite", "experiments")
TURNS = re.compile(
    r"\bof our own making\b|\b(?:for|in|at most|at least|by) so (?:long|many|much)\b"
    r"|\bto be had\b|\bwho(?:m|so)?ever\b|\bfor ever\b|\bby everybody\b",
    re.IGNORECASE,
)


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each string that stands alone: docstrings, and those below an attribute."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
            continue
        if isinstance(node.value.value, str):
            yield node.lineno, " ".join(node.value.value.split())


def turns(source: str) -> list[str]:
    return [f"{line}: {match[0]}" for line, text in docstrings(source) for match in TURNS.finditer(text)]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_docstring_has_a_riddling_turn(package: str) -> None:
    paths = sorted((ROOT / package).rglob("*.py"))
    assert paths
    by_path = {str(path.relative_to(ROOT)): turns(path.read_text()) for path in paths}

    assert {path: lines for path, lines in by_path.items() if lines} == {}


@pytest.mark.parametrize(
    "sentence",
    [
        "Comments of our own making.",
        "A process that has not said so for\n    so long is dead.",
        "False: nothing to be had.",
        "It ends with whoever started it.",
        "The choice binds for ever.",
        "Asked before each batch, by everybody.",
    ],
)
def test_the_check_knows_a_riddling_turn(sentence: str) -> None:
    assert len(turns(f'def f():\n    """{sentence}"""\n')) == 1


def test_plain_sentences_and_strings_that_are_used_pass() -> None:
    source = '"""It waits so long as needed; however many texts are so many rows."""\nname = "for ever"\n'

    assert turns(source) == []
