"""Gives a version another scale of Perspective, and carries one over to another calibration.

How a scale is fitted is in ``toxicity_ml.perspective.scale``.
"""

import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from toxicity_ml.activations import sigmoid
from toxicity_ml.manifest import VERSION_FILES, Manifest
from toxicity_ml.publishing.directories import to_go_on_from


def with_scale(
    directory: Path,
    out: Path,
    *,
    version: str,
    scale: Mapping[str, Sequence[Sequence[float]]],
    name: str | None = None,
    languages: Sequence[str] | None = None,
) -> Manifest:
    """Make a further version of one that scores the same, with another scale of Perspective.

    scale: as ``perspective.scale.Scale.to_json`` gives it. name, languages: None keeps the version's own.

    ``out`` appears whole or not at all. Raises DataError when it exists and when the new version would be
    called as this one; ModelNotFound or ModelDamaged for the version, and for a scale of other labels.
    """
    before = to_go_on_from(directory, out, name, version)
    after = replace(
        before,
        name=name or before.name,
        version=version,
        languages=before.languages if languages is None else tuple(languages),
        perspective_scale={label: [list(point) for point in points] for label, points in scale.items()},
        training={
            **before.training,
            "scaled_from": [
                *before.training.get("scaled_from", ()),
                f"{before.name}@{before.version}",
            ],
        },
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as place:
        staging = Path(place) / out.name
        staging.mkdir()
        for file in VERSION_FILES:
            shutil.copyfile(directory / file, staging / file)
        after.save(staging)
        after = Manifest.load(staging)
        staging.rename(out)
    return after


def moved_scale(before: Manifest, after: Manifest) -> dict[str, list[list[float]]]:
    """Carry a version's scale over to another calibration of the same network: each logit keeps its place on
    Perspective's scale."""
    moved: dict[str, list[list[float]]] = {}
    for label, points in before.perspective_scale.items():
        old, new = before.calibration[label], after.calibration[label]
        kept = [[0.0, 0.0]]
        for score, level in points:
            if not 0 < score < 1:
                continue
            logit = (math.log(score / (1 - score)) - old["intercept"]) / old["slope"]
            place = round(float(sigmoid(np.array(new["slope"] * logit + new["intercept"]))), 6)
            if kept[-1][0] < place < 1:
                kept.append([place, level])
        moved[label] = [*kept, [1.0, 1.0]]
    return moved
