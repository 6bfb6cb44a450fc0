"""Turn a checkpoint that training wrote into the int8 network that is served, and say how close the two are.

Refused when int8 strays too far from what was trained, as seen on the sample texts; then nothing is written.
"""

import argparse
import json
import sys
from pathlib import Path

from toxicity_ml.cli.arguments import positive

SAMPLE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="DIR", help="what training wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where model.onnx goes")
    parser.add_argument(
        "--data", nargs="+", required=True, metavar="FILE", help="texts typical for what will be scored"
    )
    parser.add_argument(
        "--sample", type=positive, default=SAMPLE, metavar="N", help=f"texts compared (default: {SAMPLE})"
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Returns 0. Raises ExportRefused, ModelNotFound, ModelDamaged or DataError."""
    from toxicity_ml import corpora
    from toxicity_ml.network import saved_labels
    from toxicity_ml.publishing.export import export_onnx

    texts = list(corpora.load(args.data, saved_labels(args.checkpoint))["text"])
    spread = texts[:: max(1, len(texts) // args.sample)][: args.sample]
    figures = export_onnx(args.checkpoint, args.out, spread)
    if args.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            shown = value if isinstance(value, str) else f"{value:.5g}"
            sys.stdout.write(f"{name.replace('_', ' ')}: {shown}\n")
    return 0
