"""Train several recipes on the same rows and say which is better.

Each --arm is NAME or NAME:key=value,key=value with keys of the training options (body_lr, layer_decay,
pooling, class_weights, loss, gamma, alpha, noise, joined, eda, mixup, oversample, stripped, task, epochs
and so on), and kind=tf-idf, rows=N or exclude=SAMPLE; + stands for a comma in a value. The first arm is the
baseline: the others' average precision is compared with its own, on the same resamples. task=single_label
trains a softmax over the rarest label of each text. Finished trainings are kept under --out, so that the same
command goes on where it was stopped, and a further arm trains alone.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from toxicity_ml.cli.arguments import check_place, positive
from toxicity_ml.cli.terminal import Table, console, print_tables


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", nargs="+", required=True, metavar="FILE", help="labelled rows to train on")
    parser.add_argument(
        "--validation", nargs="+", required=True, metavar="FILE", help="labelled rows to compare on"
    )
    parser.add_argument("--patterns", metavar="CSV", help="label combinations of the population, for weights")
    parser.add_argument("--arm", action="append", required=True, metavar="NAME[:KEY=VALUE,...]")
    parser.add_argument(
        "--set", default="", metavar="KEY=VALUE,...", help="options of every arm, before its own"
    )
    parser.add_argument("--rows", type=positive, metavar="N", help="train each arm on N rows drawn at random")
    parser.add_argument(
        "--seeds", type=positive, default=1, metavar="N", help="trainings of each arm (default: 1)"
    )
    parser.add_argument(
        "--resamples", type=positive, default=1000, help="bootstrap resamples (default: 1000)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where results are kept")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the differences")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Returns 0. Raises DataError for data or recipes that can't be used."""
    from datasets import disable_progress_bars

    from toxicity_ml import corpora
    from toxicity_ml.recipes.comparison import Arm, compare
    from toxicity_ml.training.options import TrainingOptions

    check_place(args.plot, drawn=True)
    disable_progress_bars()
    start = TrainingOptions(progress=sys.stderr.isatty(), resume=False)
    if args.set:
        start = Arm.parse(f"every:{args.set}", start).options
    arms = [Arm.parse(text, start) for text in args.arm]
    rows = corpora.load(args.data, start.labels)
    validation = corpora.load(args.validation, start.labels)
    validation = corpora.weighted(validation, args.patterns)
    if args.rows and args.rows < len(rows):
        rows = rows.shuffle(seed=0).select(range(args.rows))
    report = compare(arms, rows, validation, args.out, seeds=args.seeds, resamples=args.resamples)
    if args.plot:
        from toxicity_ml.recipes.plot import differences_png

        args.plot.write_bytes(differences_png(report))
    if args.json:
        print(json.dumps(report, indent=2, allow_nan=False))
    else:
        print_tables(console(width_in_pipe=160), [_table(report)])
    return 0


def _table(report: dict[str, Any]) -> Table:
    labels = [label for label, value in report["arms"][0]["average_precision"].items() if value]
    rows = [
        (
            arm["name"],
            f"{arm['mean']['value']:.3f}",
            *(f"{arm['average_precision'][label]['value']:.3f}" for label in labels),
            "" if arm["finding"] == "baseline" else _signed(arm["difference"]["mean"]),
            arm["finding"],
            f"{arm['seconds'] / 60:.1f}",
        )
        for arm in report["arms"]
    ]
    return _title(report), ("recipe", "mean AP", *labels, "difference", "finding", "minutes"), rows


def _title(report: dict[str, Any]) -> str:
    return (
        f"{report['rows']} rows, {report['seeds']} seed(s), {report['validation_rows']} validation rows; "
        f"difference in mean average precision from {report['baseline']} [95 %]"
    )


def _signed(interval: dict[str, float]) -> str:
    return f"{interval['value']:+.3f} [{interval['low']:+.3f}, {interval['high']:+.3f}]"
