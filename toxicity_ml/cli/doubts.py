"""Say which labels of a file are unlikely by a model that did not see them, and how many are wrong.

The file's `source` column names texts that read nearly the same, its `sample` column who decided; either may
be empty. Prints JSON: row numbers from 0, labels, probabilities, shares. No text is printed.
"""

import argparse
import json
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from toxicity_ml.cli.arguments import add_model

    add_model(parser)
    parser.add_argument("--data", required=True, metavar="FILE", help="labelled texts, as for train")
    parser.add_argument("--json", action="store_true", help="as it prints in any case")


def run(args: argparse.Namespace) -> int:
    """Returns 0. Raises DataError, ModelNotFound or ModelDamaged."""
    import numpy as np

    from toxicity_ml import corpora, doubts
    from toxicity_ml.classifier import PRETRAINED
    from toxicity_ml.manifest import Manifest

    directory = args.model or PRETRAINED
    names = Manifest.load(directory).labels
    rows = corpora.read([args.data], names)
    features = doubts.pooled_features(directory, [row["text"] for row in rows])
    found = doubts.find(
        features,
        np.asarray([row["labels"] for row in rows], dtype=np.float64),
        names,
        groups=[row.get("source") or str(place) for place, row in enumerate(rows)],
        reviewers=[row.get("sample", "") for row in rows],
    )
    json.dump(found.as_dict(), sys.stdout)
    print()
    return 0
