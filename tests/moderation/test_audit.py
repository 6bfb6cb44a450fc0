"""The audit trail: one registry of actions, one place that writes entries, and who did what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from moderation import audit
from moderation.audit import MACHINE, Action, Actor
from moderation.models import AuditEntry, ModelVersion, Webhook
from mysite.demo.environment import BASE_DIR
from tests.moderation.conftest import make_version

ROOM = BASE_DIR / "moderation" / "audit.py"
SUBJECTS = "|".join(sorted({code.partition(".")[0] for code in Action.values}))
CODE = re.compile(
    rf"(?<![\w.])(?:{SUBJECTS})\.(?:[a-z_]+(?:ed|again|late|back|drawn|over|opinion|reports)|undone)\b"
)
SOURCES = [
    path
    for folder in ("moderation", "mysite", "benchmarks")
    for path in sorted((BASE_DIR / folder).rglob("*.py"))
    if "migrations" not in path.parts
]


def nodes_of(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def codes_in(path: Path) -> set[str]:
    """Codes of actions in the strings of a file, also within SQL; docstrings may tell of them."""
    strings = {node.value for node in nodes_of(path) if isinstance(node, ast.Constant)}
    return {code for text in strings if isinstance(text, str) for code in CODE.findall(text)}


def makes_entries(path: Path) -> bool:
    """True where a file calls `AuditEntry(...)` or a method of its manager that makes a row from columns."""
    making = re.compile(r"AuditEntry(\.objects\.(create|get_or_create|update_or_create))?")
    calls = [ast.unparse(node.func) for node in nodes_of(path) if isinstance(node, ast.Call)]
    return any(making.fullmatch(call) for call in calls)


def test_every_code_that_the_source_has_is_an_action() -> None:
    found = {path: codes_in(path) for path in SOURCES}
    assert found[ROOM] == set(Action.values)
    events = set(Webhook.Event.values) - set(Action.values)  # which look like codes
    assert set().union(*found.values()) - events == set(Action.values)


def test_nothing_but_the_audit_room_makes_entries() -> None:
    assert [path for path in SOURCES if makes_entries(path)] == [ROOM]


def test_every_action_is_written_somewhere() -> None:
    written = {
        node.attr
        for path in SOURCES
        if path != ROOM
        for node in nodes_of(path)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Action"
    }
    assert written == set(Action.names)


def test_every_action_has_a_label_of_its_own_and_fits_its_column() -> None:
    labels = [str(label) for label in Action.labels]
    assert len(set(labels)) == len(labels)
    assert all(label not in Action.values and " " in label for label in labels)
    assert max(map(len, Action.values)) <= (AuditEntry._meta.get_field("action").max_length or 0)


def test_a_code_of_another_release_is_its_own_label() -> None:
    assert audit.label_of("visibility.mended") == "set right after a change of registration"
    assert audit.label_of("visibility.invented") == "visibility.invented"


@pytest.mark.django_db
def test_an_entry_says_who_changed_what_from_what_to_what() -> None:
    version, other = make_version("1"), make_version("2")
    ann = User.objects.create_user("ann")
    for actor in (Actor.of(ann, "somebody else"), Actor.of(None, "ann (system)"), MACHINE):
        audit.record(Action.MODEL_ACTIVATED, actor, version, {"version": "a@1"}, {"version": "b@1"})
    audit.record(Action.MODEL_PRUNED, MACHINE, other, {}, {})
    entries = audit.about(ModelVersion.objects.get(pk=version.pk)).order_by("id")
    assert list(entries.values_list("user", "username")) == [
        (ann.pk, "ann"),
        (None, "ann (system)"),
        (None, ""),
    ]
    columns = entries.values_list("action", "target_type", "target_id", "before", "after")
    assert set(map(str, columns)) == {
        str(("model.activated", "modelversion", str(version.pk), {"version": "a@1"}, {"version": "b@1"}))
    }


@pytest.mark.django_db
def test_an_entry_for_bulk_create_is_not_stored_yet() -> None:
    entries = [audit.entry(Action.MODEL_PRUNED, MACHINE, make_version("1"), {"version": "a@1"}, {})]
    assert not AuditEntry.objects.exists()
    AuditEntry.objects.bulk_create(entries)
    assert AuditEntry.objects.get().before == {"version": "a@1"}
