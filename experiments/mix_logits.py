"""Tells what averaging two judged networks' logits would bring, from the logits that judge.py kept.

    python experiments/mix_logits.py --first judged_shipped_valid.npz --second B/judged_valid.npz

It scores nothing. *all S* mixes every label's logits, a bound for averaged weights; *toxic S* toxic's alone,
a bound for heads of their own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.figures import RECALLS, markdown_table
from experiments.judge import measured
from experiments.judged_rows import rows_to_judge
from experiments.places import load_arrays, runs
from experiments.rows import TOXIC

LOST = 0.005
"""A source is down where its AUC falls by more."""
HEADS = (
    "the second's share",
    "mean AP",
    "best F1 toxic, obscene",
    "natural: recall, for nothing",
    "civil_comments",
    "toxic_spans",
    "mean AUC of sources",
    "kinds right, lowest",
    "counter-speech",
    "strong words",
    "news recall at 5 %",
    "down",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the figures of each mix and print a table of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", required=True)
    parser.add_argument("--second", required=True)
    parser.add_argument("--shares", nargs="+", type=float, default=[0, 0.3, 0.5, 0.7, 1])
    parser.add_argument("--out", default="", help="default: mix_logits.json in the folder of the runs")
    options = parser.parse_args(arguments)
    first, second = (load_arrays(path)["logits"] for path in (options.first, options.second))
    rows = rows_to_judge("valid")
    results = {name: measured(rows, logits) for name, logits in mixes(first, second, options.shares).items()}
    out = Path(options.out or runs() / "mix_logits.json")
    out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    base = next(iter(results.values()))
    print(markdown_table(HEADS, [_line(name, found, base) for name, found in results.items()]), flush=True)


def mixes(first: np.ndarray, second: np.ndarray, shares: Sequence[float]) -> dict[str, np.ndarray]:
    """Return the mixed logits by name, of every label and, where the second has a share, of toxic alone."""
    mixed = {f"all {share:g}": share * second + (1 - share) * first for share in shares}
    for share in shares:
        if share > 0:
            alone = first.copy()
            alone[:, TOXIC] = (1 - share) * first[:, TOXIC] + share * second[:, TOXIC]
            mixed[f"toxic {share:g}"] = alone
    return mixed


def _line(name: str, found: Mapping[str, Any], base: Mapping[str, Any]) -> list[object]:
    areas = {source: entry["auc"] for source, entry in found["sources"].items() if "auc" in entry}
    down = [source for source, area in areas.items() if area < base["sources"][source]["auc"] - LOST]
    best = found["jigsaw"]["best f1 enriched"]
    return [
        name,
        found["jigsaw"]["mean ap of five"],
        f"{best['toxic']} {best['obscene']}",
        found["jigsaw"]["natural: recall, false alarms"],
        areas.get("civil_comments", "-"),
        areas.get("toxic_spans", "-"),
        f"{np.mean(list(areas.values())):.3f}",
        "{right} {lowest}".format(**found["kinds"]["all"]),
        found["phrases"]["counter_speech"],
        found["phrases"]["strong_words_obscene"],
        found["sources"]["toxic_spans"].get(RECALLS, ["-"])[-1],
        ", ".join(down),
    ]


if __name__ == "__main__":
    main()
