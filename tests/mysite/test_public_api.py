"""docs/public-api.md and the table of check's messages say what the code has: no more, no less."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.urls import reverse

from moderation import registry
from moderation.audit import Action
from moderation.conf import KEYS, conf
from moderation.management import commands
from mysite.celery import app
from mysite.demo.environment import BASE_DIR
from toxicity_ml.cli import COMMANDS
from toxicity_ml.manifest import MANIFEST_NAME, VERSION_FILES, Manifest

PAGE = (BASE_DIR / "docs" / "public-api.md").read_text(encoding="utf-8")
OPERATIONS = (BASE_DIR / "docs" / "operations.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")


def section(heading: str) -> str:
    (text,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return text


def quoted(text: str) -> list[str]:
    """What a passage has in backticks, in the order of the page."""
    return CODE.findall(text)


def line(text: str, start: str) -> str:
    (found,) = [row for row in text.splitlines() if row.startswith(start)]
    return found


URLS = (
    *("moderation.api.urls", "moderation.monitoring.urls"),
    *("moderation.nudging.urls", "moderation.visitors.urls"),
)
NAMES = [
    name for name in quoted(section("Python")) if re.fullmatch(r"(moderation|toxicity_ml)\.[\w.]+", name)
]


def strings_of(folder: str) -> Iterator[str]:
    """Every string in the code of a folder."""
    for path in (BASE_DIR / folder).rglob("*.py"):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_can_be_imported(name: str) -> None:
    assert pkgutil.resolve_name(name) is not None


@pytest.mark.parametrize(
    "module",
    [
        "moderation",
        "moderation.registry",
        "moderation.review.decisions",
        "moderation.signals",
        "moderation.visibility",
        "toxicity_ml",
        "toxicity_ml.errors",
        "toxicity_ml.explanation",
    ],
)
def test_all_of_a_public_module_is_on_the_page(module: str) -> None:
    names = {name.rpartition(".")[2] for name in NAMES if name.rpartition(".")[0] == module}
    public = importlib.import_module(module).__all__
    assert names == set(public)
    assert len(public) == len(set(public))


def test_models_of_the_page_are_public() -> None:
    names = {name.rpartition(".")[2] for name in NAMES if name.startswith("moderation.models.")}
    assert names and names <= set(importlib.import_module("moderation.models").__all__)


def test_settings_of_the_page_are_those_that_there_are() -> None:
    text = section("Settings")
    assert sorted(quoted(line(text, "- Keys"))[1:]) == sorted(KEYS)
    assert sorted(quoted(line(text, "- Options"))) == sorted(registry.OPTIONS)


def test_commands_of_the_page_are_those_that_there_are() -> None:
    text = section("Commands")
    ours = [module.name for module in pkgutil.iter_modules(commands.__path__)]
    named = quoted(line(text, "- `manage.py`"))
    assert sorted(named[1 : named.index("--json")]) == sorted([*ours, "demo"])
    named = quoted(line(text, "- `python -m toxicity_ml`").partition("; likewise")[0])
    assert sorted(named[2:]) == sorted(COMMANDS)


def test_the_task_and_the_queue_of_the_page_are_those_that_there_are() -> None:
    importlib.import_module("moderation.tasks")
    task, queue = quoted(section("Celery"))
    assert task in app.tasks
    assert queue == conf.QUEUE


def test_addresses_of_the_page_are_those_that_there_are() -> None:
    rows = re.findall(r"^\| `([\w:-]+)` \| `([\w/<>-]+)` \|", section("Addresses"), re.MULTILINE)
    there = [
        f"{urls.app_name}:{pattern.name}"
        for urls in map(importlib.import_module, URLS)
        for pattern in urls.urlpatterns
    ]
    assert sorted(name for name, _ in rows) == sorted(there)
    for name, path in rows:
        places = re.findall(r"<(\w+)>", path)
        filled = re.sub(r"<\w+>", "7", path)
        assert reverse(name, kwargs=dict.fromkeys(places, "7")).endswith(f"/{filled}")


def test_metrics_of_the_page_are_those_that_there_are() -> None:
    files = (BASE_DIR / "moderation" / "metrics.py", BASE_DIR / "moderation" / "monitoring" / "exposition.py")
    there = {name for file in files for name in re.findall(r'"(moderation_[a-z_]+[a-z])"', file.read_text())}
    named = quoted(section("Metrics"))
    assert sorted(named) == sorted(there)
    assert all(f"`{name}" in OPERATIONS for name in named)


def test_audit_actions_of_the_page_are_those_that_there_are() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section("The audit trail"), re.MULTILINE)
    assert rows == [(action.value, str(action.label)) for action in Action]


def test_files_of_the_page_are_those_that_there_are() -> None:
    manifest = json.loads((BASE_DIR / "toxicity_ml" / "pretrained" / MANIFEST_NAME).read_text())
    first, second, *_ = section("Files").strip().split(". ")
    assert sorted(quoted(first)) == sorted([MANIFEST_NAME, *VERSION_FILES])
    keys = quoted(second.partition(";")[0])
    assert sorted(keys) == sorted(Manifest.__dataclass_fields__)
    assert set(manifest) <= set(keys)


def test_each_message_of_check_has_one_line() -> None:
    there = {text for text in strings_of("moderation") if re.fullmatch(r"moderation\.[EWICD]\d{3}", text)}
    told = re.findall(r"^\| `(moderation\.[A-Z]\d{3})` \|", OPERATIONS, re.MULTILINE)
    assert told == sorted(there)
