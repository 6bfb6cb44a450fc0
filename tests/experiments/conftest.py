"""The made-up data, and few templates of each kind, so that the whole chain runs in seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments import judged_rows, served
from experiments.places import DATA_VARIABLE, RUNS_VARIABLE
from tests.experiments import made_up_data
from tests.toxicity_ml.conftest import one_thread, one_thread_again, tiny_version  # noqa: F401 - fixtures
from toxicity_ml.augmentation import kinds

OF_EACH = 2
KINDS = ("contempt", "counter", "emoji", "groups", "veiled")
"""Kinds with an aim of their own, or a rule."""


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up_data.write(tmp_path_factory.mktemp("experiments") / "data")


@pytest.fixture(autouse=True)
def small(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The made-up data, a folder of its own for what is made, and two templates of a few kinds' halves."""
    chosen = _few(kinds.templates())
    monkeypatch.setattr(kinds, "templates", lambda: chosen)
    monkeypatch.setattr(judged_rows, "PHRASES", 150)
    monkeypatch.setattr(served, "RESAMPLES", 8)
    monkeypatch.setenv(DATA_VARIABLE, str(data))
    monkeypatch.setenv(RUNS_VARIABLE, str(tmp_path / "runs"))
    yield


def _few(templates: tuple[kinds.Template, ...]) -> tuple[kinds.Template, ...]:
    counts: defaultdict[tuple[str, bool], int] = defaultdict(int)
    chosen = []
    for template in templates:
        half = template.kind, template.held_out
        if template.kind in KINDS and template.clear and template.flagged and counts[half] < OF_EACH:
            counts[half] += 1
            chosen.append(template)
    return tuple(chosen)
