"""Make a further version of a model: the same network, probabilities and thresholds fitted to these rows.

For a site whose comments differ from those that the model was validated on: no training, and a few hundred
labelled comments of its own will do. A label with fewer than 20 positives or negatives among them, or without
a column, keeps what it has; where that holds for all of them, nothing is made.
"""

import argparse

from toxicity_ml.cli.arguments import (
    add_columns,
    add_model,
    add_result,
    add_validation,
    columns_from,
    print_result,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_validation(parser)
    add_columns(parser)
    add_result(parser, name="as it is", version=None)


def run(args: argparse.Namespace) -> int:
    """Returns 0. Raises DataError, ModelNotFound or ModelDamaged."""
    import numpy as np
    from datasets import disable_progress_bars

    from toxicity_ml import corpora
    from toxicity_ml.classifier import PRETRAINED
    from toxicity_ml.manifest import Manifest
    from toxicity_ml.publishing.publish import fitted_labels, recalibrate

    disable_progress_bars()
    directory = args.model or PRETRAINED
    before = Manifest.load(directory)
    rows = corpora.load(args.validation, before.labels, before.task, columns_from(args))
    rows = corpora.weighted(rows, args.patterns)
    after = recalibrate(directory, args.out, version=args.version, validation=rows, name=args.name)
    fitted = fitted_labels(before, np.asarray(rows["labels"], dtype=np.float64))
    print_result(after, args, ending=" Thresholds:")
    if args.json:
        return 0
    for label in after.labels:
        kept = "" if label in fitted else "  (kept: too few rows)"
        print(f"  {label}: {before.thresholds[label]:.4f} -> {after.thresholds[label]:.4f}{kept}")
    return 0
