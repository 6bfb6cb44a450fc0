"""Adds the starting version's logits to rows files, for `fit.py --hold`: of the texts as they are trained on.

    python experiments/hold.py [--max-length 96] [--start DIR] ROWS.npz [ROWS.npz ...]

A file gets `held` (n, 6), raw logits in float16; one that has it stays as it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.networks import logits_of
from experiments.places import load_arrays, save_arrays
from toxicity_ml.classifier import PRETRAINED


def main(arguments: Sequence[str] | None = None) -> None:
    """Add the logits to each file that lacks them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="+")
    parser.add_argument("--max-length", type=int, default=96)
    parser.add_argument("--start", default=str(PRETRAINED), help="the version whose logits are held")
    options = parser.parse_args(arguments)
    for file in options.rows:
        rows = load_arrays(file)
        if "held" in rows:
            continue
        held = logits_of(options.start, rows["text"].tolist(), max_length=options.max_length)
        save_arrays(file, rows | {"held": held.astype(np.float16)})
        print(file, "holds", held.shape, flush=True)


if __name__ == "__main__":
    main()
