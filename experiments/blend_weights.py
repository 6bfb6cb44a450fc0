"""Averages the weights of saved classifiers of one shape.

    python experiments/blend_weights.py --out DIR [--words 1] DIR=0.5 DIR=0.5

Of the shipped version and one tuned from it this is WiSE-FT (Wortsman et al. 2022), of several students a
model soup.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from toxicity_ml.network import load_model, load_tokenizer, save_model


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the average, with the tokenizer and configuration of the last one named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", help="DIR=SHARE; the shares are divided by their sum")
    parser.add_argument("--out", required=True)
    parser.add_argument("--words", type=int, default=1, help="1: it reads symbols in words, 0: it doesn't")
    options = parser.parse_args(arguments)
    named = [entry.rpartition("=") for entry in options.models]
    parts = [(directory, float(share)) for directory, _, share in named]
    whole = sum(share for _, share in parts)
    total: dict[str, torch.Tensor] = {}
    for directory, share in parts:
        model = load_model(directory, "eager")
        for name, value in model.state_dict().items():
            part = value.double() * (share / whole)
            total[name] = total[name] + part if name in total else part
    model.load_state_dict({name: value.float() for name, value in total.items()})
    model.encoder.config.symbols_in_words = bool(options.words)  # type: ignore[union-attr]
    save_model(model, load_tokenizer(directory), Path(options.out))


if __name__ == "__main__":
    main()
