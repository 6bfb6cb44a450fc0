"""Start-up checks of the labels that `thresholds` names: some model version must know them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from moderation.checks.suggestions import did_you_mean
from moderation.versions.artifacts import ModelUnavailable, packaged_directory


def check_labels(
    where: str, thresholds: Mapping[str, Any], active: Iterable[str] = ()
) -> Iterator[CheckMessage]:
    """Check the labels of a model's thresholds against the packaged version's, and the active one's if known.

    Without a database nobody knows the labels of a version of the site's own: what looks like a misspelling
    of a known label is an error then, and any other unknown one a warning.
    """
    known = sorted({*packaged_labels(), *active})
    for label in thresholds:
        if not known or label in known:
            continue
        meant = did_you_mean(label, known)
        message = f'{where}["thresholds"] names "{label}", which no known model version scores.{meant}'
        hint = f"Known are: {', '.join(known)}."
        if meant or active:
            yield Error(message, hint=hint, id="moderation.E031")
        else:
            hint += " Where a version of your own has it, silence this."
            yield Warning(message, hint=hint, id="moderation.W005")


def packaged_labels() -> list[str]:
    """Return the labels of the packaged version; nothing where that is missing."""
    try:
        manifest = json.loads((packaged_directory() / "manifest.json").read_text(encoding="utf-8"))
    except (ModelUnavailable, OSError, ValueError):
        return []
    labels = manifest.get("labels", [])
    return [str(label) for label in labels] if isinstance(labels, list) else []
