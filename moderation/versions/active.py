"""Reads which model version is active. Changes nothing: `store` registers, activates and goes back."""

from __future__ import annotations

from moderation.models import ModelVersion

__all__ = ["find_active"]


def find_active() -> ModelVersion | None:
    """Read the version that is active, or None while none is registered; one query.

    A process that scores calls `store.active_version`, which registers the packaged default where there is
    none. The query leaves out the manifest and the metrics; they are read when somebody uses them.
    """
    return ModelVersion.objects.filter(is_active=True).defer("manifest", "metrics").first()
