"""Scores the texts of rows files with a saved classifier, in pieces; goes on where it was stopped.

    python experiments/score_rows.py --model DIR --out SCORES.npz [--not-fold K/N] ROWS.npz [ROWS.npz ...]

SCORES.npz has text_key (`key`) and logits in float16 (n, 6), each text once.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.networks import logits_of
from experiments.places import load_arrays, save_arrays
from experiments.rows import kept_folds, parsed_fold
from toxicity_ml.network import load_model

PIECE = 4000
"""Texts between two writings."""


def key(text: str) -> str:
    """Return what stands for a text in a file of scores: the first 16 hex digits of its sha256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def main(arguments: Sequence[str] | None = None) -> None:
    """Score what the file lacks."""
    options = _parser().parse_args(arguments)
    out = Path(options.out)
    known: dict[str, np.ndarray] = {}
    if out.exists():
        kept = load_arrays(out)
        known = dict(zip(kept["text_key"].tolist(), kept["logits"], strict=True))
    texts = texts_to_score(options.rows, options.not_fold)
    missing = [(name, text) for name, text in texts.items() if name not in known]
    print(f"{len(texts)} texts, {len(missing)} to score", flush=True)
    model = load_model(options.model) if missing else None
    for start in range(0, len(missing), PIECE):
        piece = missing[start : start + PIECE]
        found = logits_of(
            options.model, [text for _, text in piece], max_length=options.max_length, model=model
        )
        known.update(zip([name for name, _ in piece], found.astype(np.float16), strict=True))
        save_arrays(out, {"text_key": np.array(list(known)), "logits": np.array(list(known.values()))})
        print(f"{start + len(piece)} of {len(missing)}", flush=True)


def texts_to_score(files: Sequence[str], not_fold: str) -> dict[str, str]:
    """Return the files' texts by key, without those of a fold K/N."""
    texts: dict[str, str] = {}
    for file in files:
        rows = load_arrays(file)
        is_wanted = np.ones(len(rows["text"]), dtype=bool)
        if not_fold:
            number, folds = parsed_fold(not_fold)
            is_wanted = kept_folds(rows, folds) != number
        texts |= {key(text): text for text in rows["text"][is_wanted].tolist()}
    return texts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="+")
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument(
        "--not-fold", default="", help="K/N: leave out the texts of fold K, which the teacher was trained on"
    )
    parser.add_argument("--max-length", type=int, default=128)
    return parser


if __name__ == "__main__":
    main()
