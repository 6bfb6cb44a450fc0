"""Reads which model version is active. Changes nothing: `store` registers, activates and goes back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from moderation.db.read_once import remembered
from moderation.models import ModelVersion

__all__ = ["find_active", "languages_of", "manifest_of"]


def find_active() -> ModelVersion | None:
    """Read the version that is active, or None while none is registered; one query for a page.

    A process that scores calls `store.active_version`, which registers the packaged default where there is
    none. The query leaves out the manifest and the metrics; they are read when somebody uses them.
    """
    active = ModelVersion.objects.filter(is_active=True).defer("manifest", "metrics")
    return remembered("active version", active.first)


def manifest_of(version: ModelVersion) -> Mapping[str, Any]:
    """Return a version's manifest, which never changes: read from the database once per process."""
    return _manifest(version.pk, version.manifest_sha256)


def languages_of(version: ModelVersion) -> list[str]:
    """Return the BCP 47 tags of the languages that a version was made for, the commonest first."""
    return list(manifest_of(version).get("languages") or ["en"])


@lru_cache(maxsize=16)
def _manifest(key: int, sha256: str) -> Mapping[str, Any]:
    manifest: Mapping[str, Any] = ModelVersion.objects.values_list("manifest", flat=True).get(pk=key)
    return manifest
