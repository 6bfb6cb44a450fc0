"""Tells how a model version came to be and what became of it: its lineage, its part of the trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from moderation import audit
from moderation.models import AuditEntry, ModelVersion

MOST_ANCESTORS = 100
"""More generations than any site trains; the walk ends there."""


@dataclass(frozen=True)
class Change:
    """One entry of the audit trail about a version: what was done, by whom, when, and why."""

    action: str
    """The label of the action, for people."""
    username: str
    """Empty: the machine."""
    created: datetime
    before: str
    """The version that was active until then; empty: none was, or the action is about this one alone."""
    note: str


def ancestors(version: ModelVersion) -> list[ModelVersion]:
    """Return the versions that a version was trained from, the first of them first; a query for each."""
    line: list[ModelVersion] = []
    key = version.parent_id
    seen = {version.pk}
    while key is not None and key not in seen and len(line) < MOST_ANCESTORS:
        seen.add(key)
        parent = ModelVersion.objects.defer("manifest", "metrics").get(pk=key)
        line.append(parent)
        key = parent.parent_id
    return line[::-1]


def children(version: ModelVersion) -> list[ModelVersion]:
    """Return the versions that were trained from a version, the newest first."""
    return list(_plain().filter(parent=version).order_by("-id"))


def same_data(version: ModelVersion) -> list[ModelVersion]:
    """Return the other versions that learned exactly the same rows; none where nobody recorded them."""
    if not version.data_fingerprint:
        return []
    same = _plain().filter(data_fingerprint=version.data_fingerprint)
    return list(same.exclude(pk=version.pk).order_by("-id"))


def changes_of(version: ModelVersion) -> Sequence[Change]:
    """Return what was done with a version, the latest first."""
    return [_change(entry) for entry in audit.about(version).order_by("-id")]


def _plain() -> QuerySet[ModelVersion]:
    return ModelVersion.objects.defer("manifest", "metrics")


def _change(entry: AuditEntry) -> Change:
    is_switch = entry.action in (audit.Action.MODEL_ACTIVATED, audit.Action.MODEL_ROLLED_BACK)
    return Change(
        action=audit.label_of(entry.action),
        username=entry.username,
        created=entry.created,
        before=str(entry.before.get("version", "")) if is_switch else "",
        note=str(entry.after.get("note", "")),
    )
