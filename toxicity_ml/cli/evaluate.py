"""``python -m toxicity_ml evaluate``: what a model version is worth, beside a simple floor."""

import argparse
import html
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from datasets import Dataset

METRICS = ("precision", "recall", "f1", "roc_auc", "average_precision")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="DIR", help="model version directory (default: the packaged one)")
    parser.add_argument(
        "--data", nargs="+", required=True, metavar="FILE", help="labelled CSV files, each reported by itself"
    )
    parser.add_argument(
        "--patterns",
        metavar="CSV",
        help="report all files joined too, weighted to this population's combinations",
    )
    parser.add_argument(
        "--floor",
        nargs="+",
        metavar="FILE",
        help="fit a TF-IDF logistic regression on these and report it beside",
    )
    parser.add_argument("--resamples", type=int, default=1000, help="bootstrap resamples (default: 1000)")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write the tables as a page")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(args: argparse.Namespace) -> int:
    from datasets import concatenate_datasets, disable_progress_bars

    from toxicity_ml import corpora, evaluation
    from toxicity_ml.classifier import Classifier

    disable_progress_bars()
    classifier = Classifier.load(args.model)
    labels = classifier.labels
    parts = {Path(source).name: corpora.load([source], labels) for source in args.data}
    if args.patterns:
        joined = concatenate_datasets(list(parts.values()))
        weights = corpora.natural_weights(joined["labels"], Path(args.patterns))
        parts["natural prevalence"] = joined.remove_columns("weight").add_column("weight", weights)
    scorers: dict[str, Any] = {
        classifier.version: lambda texts: classifier.predict_array(texts, progress=sys.stderr.isatty())
    }
    if args.floor:
        scorers["tf-idf floor"] = _floor(corpora.load(args.floor, labels))
    thresholds = [classifier.thresholds[label] for label in labels]
    report: dict[str, Any] = {"model": classifier.version, "parts": {}}
    for name, rows in parts.items():
        targets = np.asarray(rows["labels"], dtype=np.float64)
        report["parts"][name] = {
            scorer: evaluation.evaluate(
                score(list(rows["text"])),
                targets,
                thresholds if scorer == classifier.version else [0.5] * len(labels),
                labels,
                weights=np.asarray(rows["weight"], dtype=np.float64),
                resamples=args.resamples,
            )
            for scorer, score in scorers.items()
        }
    if args.report:
        args.report.write_text(_page(report), encoding="utf-8")
    if args.json:
        print(json.dumps(report, indent=2, allow_nan=False))
    else:
        _print_tables(report)
    return 0


def _floor(rows: "Dataset") -> Any:
    from toxicity_ml.floor import TfidfFloor

    floor = TfidfFloor().fit(list(rows["text"]), np.asarray(rows["labels"], dtype=np.float64))
    return floor.predict_array


def _print_tables(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 150)
    for part, scorer, rows in _tables(report):
        table = Table("label", "positives", *METRICS, title=f"{part}: {scorer}", title_justify="left")
        for row in rows:
            table.add_row(*row)
        console.print(table)


def _tables(report: dict[str, Any]) -> list[tuple[str, str, list[list[str]]]]:
    """(part, scorer, rows of cells) for every table of the report."""
    tables = []
    for part, scorers in report["parts"].items():
        for scorer, found in scorers.items():
            rows = [
                [label, str(values["positives"]), *_cells(values, METRICS)]
                for label, values in found["labels"].items()
            ]
            rows.append(["micro", "", *_cells(found["micro"], METRICS)])
            macro = [found["macro"][metric] for metric in METRICS]
            rows.append(["macro", "", *("" if value is None else f"{value:.3f}" for value in macro)])
            tables.append((part, scorer, rows))
    return tables


def _cells(values: dict[str, Any], metrics: Sequence[str]) -> list[str]:
    from toxicity_ml.evaluation import Interval

    return [str(Interval(**values[metric])) if values.get(metric) else "" for metric in metrics]


def _page(report: dict[str, Any]) -> str:
    body = []
    for part, scorer, rows in _tables(report):
        head = "".join(f"<th>{name}</th>" for name in ("label", "positives", *METRICS))
        lines = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        body.append(
            f"<h2>{html.escape(part)}: {html.escape(scorer)}</h2><table><tr>{head}</tr>{lines}</table>"
        )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Evaluation</title><style>"
        "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}"
        "td,th{padding:.3rem .8rem;border-bottom:1px solid #8884;text-align:left}"
        "td{font-variant-numeric:tabular-nums}</style>"
        f"<h1>Evaluation of {html.escape(report['model'])}</h1>"
        "<p>Figures with 95 % bootstrap intervals. Precision, recall and F1 at the model's thresholds.</p>"
        f"{''.join(body)}</html>\n"
    )
