"""Registers a checkpoint of transformers as a model version.

The library makes the version in a process of its own, since that takes torch; the store publishes it."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.models import ModelVersion
from moderation.retraining.training_process import RetrainingFailed, run_classifier
from moderation.versions import store

_ERROR = "error: "
"""How the library's command line begins the line in which it says why it did nothing; never with a text."""


class ImportRefused(Exception):
    """Nothing was registered; the message says what to do."""


@dataclass(frozen=True)
class Imported:
    """A checkpoint that was registered."""

    version: ModelVersion
    told: dict[str, Any]
    """What `python -m toxicity_ml import-checkpoint --json` says of it."""


def import_checkpoint(
    directory: Path, name: str, number: str, arguments: Sequence[str], username: str, note: str = ""
) -> Imported:
    """Make a version of a checkpoint directory and register it, not active.

    arguments: further ones of the library's command. username: the system user who does it. note: why. Raises
    ImportRefused, ModelUnavailable, AlreadyPublished or PublishFailed; nothing is registered then.
    """
    if ModelVersion.objects.filter(name=name, version=number).exists():
        raise store.AlreadyPublished(
            f"{name}@{number} is published already: give another --number, or another --name."
        )
    with tempfile.TemporaryDirectory(prefix="importing-") as place:
        out, told = Path(place) / "version", Path(place) / "told.json"
        naming = ("--name", name, "--version", number)
        try:
            run_classifier(
                "import-checkpoint", directory.resolve(), "--out", out, *naming, *arguments, output=told
            )
        except RetrainingFailed as error:
            raise ImportRefused(_reason(told.with_suffix(".err")) or str(error)) from error
        version = store.publish(out, origin=ModelVersion.Origin.IMPORTED, note=note, username=username)
        return Imported(version, json.loads(told.read_text(encoding="utf-8")))


def _reason(errors: Path) -> str:
    """Return why the library refused, in its own words; on a terminal it has said so already."""
    if sys.stderr.isatty():
        return "Nothing was imported; the reason stands above."
    lines = errors.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.removeprefix(_ERROR) for line in reversed(lines) if line.startswith(_ERROR)), "")
