"""``python -m toxicity_ml train``: fine-tune on labelled comments and publish a model version directory."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from toxicity_ml.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

    from toxicity_ml.training import TrainingOptions

HELD_OUT = 0.05
"""Share of the training rows held out for validation where no validation data is named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data",
        nargs="+",
        required=True,
        metavar="FILE",
        help="labelled CSV, .csv.gz, .zip, or a hub dataset",
    )
    data.add_argument(
        "--validation",
        nargs="+",
        metavar="FILE",
        help=f"rows to select, calibrate and set thresholds by (default: {HELD_OUT:.0%} of the data)",
    )
    data.add_argument(
        "--patterns",
        metavar="CSV",
        help="label combinations of the population, to weight the validation rows by",
    )
    data.add_argument("--limit", type=int, metavar="N", help="train on N rows drawn at random")
    result = parser.add_argument_group("result")
    result.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the model version directory to make"
    )
    result.add_argument("--name", default=None, help="the model's name (default: the directory's)")
    result.add_argument("--version", default="1", help="the version's name (default: 1)")
    result.add_argument("--json", action="store_true", help="print the manifest's metrics as JSON")
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--base-model", metavar="NAME|DIR", help="encoder, or a model version to go on from")
    recipe.add_argument("--epochs", type=float)
    recipe.add_argument("--batch-size", type=int)
    recipe.add_argument("--max-length", type=int)
    recipe.add_argument("--body-lr", type=float)
    recipe.add_argument("--head-lr", type=float)
    recipe.add_argument("--layer-decay", type=float)
    recipe.add_argument("--pos-weight-cap", type=float)
    recipe.add_argument("--stripped", type=float)
    recipe.add_argument("--evaluations", type=int, help="per epoch")
    recipe.add_argument("--patience", type=int)
    recipe.add_argument("--seed", type=int)
    recipe.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="default: where the processor has it",
    )
    recipe.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="go on from DIR.work (the default)",
    )


def run(args: argparse.Namespace) -> int:
    from datasets import disable_progress_bars

    from toxicity_ml import corpora
    from toxicity_ml.manifest import MANIFEST_NAME, Manifest
    from toxicity_ml.publishing import publish_version
    from toxicity_ml.training import train

    began = time.monotonic()
    if args.out.exists():
        raise DataError(f"{args.out} exists; a model version is never changed. Name another directory.")
    disable_progress_bars()
    options = options_from(args)
    rows = corpora.load(args.data, options.labels)
    if args.validation:
        validation = corpora.load(args.validation, options.labels)
    else:
        rows, validation = _held_out(rows, options.seed)
    if args.patterns:
        weights = corpora.natural_weights(validation["labels"], Path(args.patterns))
        validation = validation.remove_columns("weight").add_column("weight", weights)
    if args.limit and args.limit < len(rows):
        rows = rows.shuffle(seed=options.seed).select(range(args.limit))
    work = args.out.parent / f"{args.out.name}.work"
    checkpoint = train(rows, validation, work, options)
    parent = Path(options.base_model)
    inherit = Manifest.load(parent) if (parent / MANIFEST_NAME).is_file() else None
    manifest = publish_version(
        checkpoint,
        args.out,
        name=args.name or args.out.name,
        version=args.version,
        validation=validation,
        base_model=inherit.base_model if inherit else options.base_model,
        inherit=inherit,
        progress=options.progress,
        training={
            "rows": len(rows),
            "validation_rows": len(validation),
            "data": [Path(source).name for source in args.data],
            "options": {
                key: value for key, value in vars(options).items() if key not in ("progress", "resume")
            },
            "seconds": round(time.monotonic() - began),
            **({"parent": f"{inherit.name}@{inherit.version}"} if inherit else {}),
        },
    )
    shutil.rmtree(work)
    if args.json:
        print(json.dumps({"directory": str(args.out), "metrics": manifest.metrics}, indent=2))
    else:
        print(f"{manifest.name}@{manifest.version} is in {args.out}.")
    return 0


def options_from(args: argparse.Namespace) -> "TrainingOptions":
    """The recipe's defaults with what the command line says."""
    from toxicity_ml.training import TrainingOptions

    names = TrainingOptions.__dataclass_fields__
    given = {name: value for name, value in vars(args).items() if name in names and value is not None}
    parent = Path(given.get("base_model", "")) / "manifest.json"
    if parent.is_file():
        from toxicity_ml.manifest import Manifest

        given["labels"] = Manifest.load(parent.parent).labels
    return TrainingOptions(**given, progress=sys.stderr.isatty())


def _held_out(rows: "Dataset", seed: int) -> tuple["Dataset", "Dataset"]:
    if len(rows) < 2:
        raise DataError("One row can't be both trained and validated on; name --validation or more data.")
    parts = rows.train_test_split(test_size=max(HELD_OUT, 1 / len(rows)), seed=seed)
    return parts["train"], parts["test"]
