"""The Python examples of docs/integration.md do what the page says."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from moderation import moderated, screen, withdraw
from moderation.models import ModelVersion, Screening
from mysite.demo.environment import BASE_DIR
from tests.forum.models import Note

pytestmark = pytest.mark.regression("S4")
PAGE = (BASE_DIR / "docs" / "integration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def example(word: str) -> dict[str, Any]:
    """What the block that contains `word` defines."""
    (block,) = [block for block in BLOCKS if word in block]
    namespace: dict[str, Any] = {}
    exec(compile(block, "docs/integration.md", "exec"), namespace)  # noqa: S102 - our own page
    return namespace


def test_callables_hide_and_show_once() -> None:
    saved: list[tuple[str, list[str]]] = []
    comment = SimpleNamespace(status="published", article_id=7)
    comment.save = lambda update_fields: saved.append((comment.status, update_fields))
    callables = example("blog/hiding.py")
    assert callables["hide"](comment) is not False
    assert callables["hide"](comment) is False
    callables["show"](comment)
    assert saved == [("withheld", ["status"]), ("published", ["status"])]


@pytest.mark.django_db
def test_site_s_test_can_say_what_the_verdict_is() -> None:
    Note.objects.create(text="whatever")
    example("def screen_as")["screen_as"]({"toxic": 0.97, "insult": 0.2})
    assert Screening.objects.get().verdict == "held"
    assert Note.objects.get().state == "withheld"


@pytest.mark.django_db
def test_screen_and_withdraw_are_where_the_page_says(version: ModelVersion) -> None:
    notes = Note.objects.bulk_create([Note(text="hello")])
    assert screen(notes) == 1
    assert withdraw(notes[0])
    assert callable(moderated)
