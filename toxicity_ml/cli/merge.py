"""Make one model version of several: their weights averaged, then calibrated anew (model soups, Wortsman et
al. 2022). All of them must have been fine-tuned from the same base model.

Served at the price of one; whether it is better than its parts is for `evaluate` to say.
"""

import argparse
import tempfile
from pathlib import Path

from toxicity_ml.cli.arguments import add_result, add_validation, print_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        action="append",
        type=Path,
        required=True,
        metavar="DIR",
        help="model version directory; again for each",
    )
    parser.add_argument(
        "--shares",
        nargs="+",
        type=float,
        metavar="SHARE",
        help="how much each counts, in the same order (default: all the same)",
    )
    add_validation(parser)
    add_result(parser, name="the first version's", version="1")


def run(args: argparse.Namespace) -> int:
    """Returns 0. Raises DataError, ExportRefused, ModelNotFound or ModelDamaged."""
    from datasets import disable_progress_bars

    from toxicity_ml import corpora
    from toxicity_ml.manifest import Manifest
    from toxicity_ml.publishing.directories import check_is_new
    from toxicity_ml.publishing.merging import merge_weights, origin
    from toxicity_ml.publishing.publish import publish_version

    check_is_new(args.out)
    disable_progress_bars()
    first = Manifest.load(args.model[0])
    shares = args.shares or [1.0] * len(args.model)
    validation = corpora.weighted(corpora.load(args.validation, first.labels, first.task), args.patterns)
    with tempfile.TemporaryDirectory(prefix="merging-") as place:
        checkpoint = merge_weights(args.model, shares, Path(place) / "checkpoint")
        manifest = publish_version(
            checkpoint,
            args.out,
            name=args.name or first.name,
            version=args.version,
            validation=validation,
            base_model=first.base_model,
            training=origin(args.model, shares),
            inherit=first,
        )
    print_result(manifest, args)
    return 0
