"""Prints which share of each kind of comment is judged rightly, of trained templates and of held-out ones.

    python experiments/halves.py --judged JUDGED.json NAME=DIR [NAME=DIR ...]

At the thresholds that judge.py wrote. A low trained half tells of too few steps or too small a network, a gap
between the halves of examples that do not cover their kind.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.figures import any_label, by_kind
from experiments.judged_rows import kinds
from experiments.networks import logits_of
from experiments.rows import LABELS

DRAWS = 2
"""Texts of each template."""
FIGURES = "{right} ({clear right} {flagged right}) {auc}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="NAME=DIR")
    parser.add_argument("--judged", required=True)
    parser.add_argument("--draws", type=int, default=DRAWS, help="texts of each template")
    options = parser.parse_args(arguments)
    judged = json.loads(Path(options.judged).read_text(encoding="utf-8"))
    halves = [kinds(options.draws, held_out=held_out) for held_out in (False, True)]
    for entry in options.models:
        name, _, directory = entry.partition("=")
        thresholds = np.array([judged[name]["thresholds"][label] for label in LABELS])
        found = []
        for rows in halves:
            logits = logits_of(directory, rows.text.tolist())
            found.append(by_kind(rows, any_label(logits >= thresholds), logits))
        print(f"{name:14s} trained: right (clear, flagged) auc | held out")
        for kind in found[0]:
            figures = "{right} {lowest}" if kind == "all" else FIGURES
            print(f"  {kind:14s} " + " | ".join(figures.format(**half[kind]) for half in found), flush=True)


if __name__ == "__main__":
    main()
