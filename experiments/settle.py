"""Publishes a checkpoint as a version that is calibrated on a stated blend of sites, not on one corpus.

    python experiments/settle.py --checkpoint DIR --out VERSION_DIR --version 5 [--name minilm-toxicity]

The blend is half Wikipedia's talk pages (Jigsaw's two validation files at natural prevalence), a quarter news
and a quarter forums, of the latter two 8 % toxic. Wikipedia counts more since it alone knows all six labels.
Thresholds are where expected F1 is greatest, of toxic F1.3, those of severe labels too: what so few rows
prove of threats would leave them out of every set. Named sets are those of `toxicity_ml.publishing`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.rows import (
    BLEND_PREVALENCE,
    FORUMS,
    LABELS,
    NEWS,
    WIKI,
    at_natural_prevalence,
    jigsaw,
    truth_of,
    wider,
)
from toxicity_ml.classifier import PRETRAINED
from toxicity_ml.corpora import from_rows
from toxicity_ml.manifest import Manifest
from toxicity_ml.publishing.publish import publish_version

NAME = "minilm-toxicity"
BLEND = "half Wikipedia talk pages at natural prevalence, a quarter news and a quarter forums with 8 % toxic"
BETAS = {"toxic": 1.3}
"""How many times as much recall counts as precision in a label's default threshold. With 1, toxic finds fewer
comments of talk pages than the version before; with 1.3 as many, at as many flagged for nothing. The other
labels would flag speech against hate and friendly sentences about groups before they find much more."""
TOLD = ("options", "rows", "averaged")
"""What a manifest says of the training."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Publish, and print the named sets of thresholds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--name", default=NAME)
    parser.add_argument("--version", required=True)
    parser.add_argument("--start", default=PRETRAINED, type=Path, help="the version it was trained from")
    parser.add_argument("--rows", type=int, default=0, help="no more rows than this, for a try")
    options = parser.parse_args(arguments)
    manifest = settled(
        options.checkpoint, options.out, options.name, options.version, options.start, options.rows
    )
    print(json.dumps(manifest.threshold_sets, indent=1))


def settled(
    checkpoint: Path, out: Path, name: str, version: str, start: Path = PRETRAINED, count: int = 0
) -> Manifest:
    """Make the version directory `out` of a checkpoint, calibrated on the blend.

    start: the version that it was trained from, whose calibration labels with too few positives keep. count:
    of no more rows than this; 0: of all.
    """
    blend = blend_rows()
    if count:
        blend = blend.sample(min(count, len(blend)), random_state=1)
    parent = Manifest.load(start)
    return publish_version(
        checkpoint,
        out,
        name=name,
        version=version,
        validation=from_rows(
            {"text": text, "labels": labels, "weight": weight, "source": source}
            for text, labels, weight, source in zip(
                blend.text, truth_of(blend).tolist(), blend.weight, blend.source, strict=True
            )
        ),
        base_model=parent.base_model,
        training={"validation": BLEND, "threshold_betas": BETAS, **_training(checkpoint)},
        inherit=parent,
        betas=BETAS,
        # as for every version before: the blend has more texts of which no network is sure
        parity_texts=blend.text[blend.source == WIKI].tolist(),
        progress=False,
    )


def blend_rows() -> pd.DataFrame:
    """Return validation rows with the column `weight`; together they weigh as many as they are."""
    wiki = pd.concat([jigsaw("valid"), jigsaw("valid_enriched")], ignore_index=True)
    wiki["weight"] = at_natural_prevalence(truth_of(wiki))
    wiki["weight"] *= 0.5 / wiki.weight.sum()
    parts = [wiki]
    english = wider(part="valid")
    for sources in (NEWS, FORUMS):
        rows = english[english.source.isin(sources) & english.toxic.notna()].copy()
        clean, toxic = rows.toxic < 0.3, rows.toxic > 0.5
        share = BLEND_PREVALENCE * toxic / toxic.sum() + (1 - BLEND_PREVALENCE) * clean / clean.sum()
        rows["weight"] = 0.25 * share
        parts.append(rows[rows.weight > 0])
    blend = pd.concat(parts, ignore_index=True)
    blend["weight"] *= len(blend)
    return blend[["text", "source", "weight", *LABELS]]


def _training(checkpoint: Path) -> dict[str, Any]:
    """Return what fit.py noted beside the checkpoint; nothing of an average of weights."""
    file = checkpoint / "training.json"
    noted = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {key: noted[key] for key in TOLD if key in noted}


if __name__ == "__main__":
    main()
