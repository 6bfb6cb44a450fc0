"""Measure model versions on labelled texts: figures with intervals, beside a simple baseline and beside each
other, and one page that shows curves, calibration, kinds of comments and the clearest mistakes.

Each file is reported by itself; with --patterns all of them joined too, weighted to that population. A label
with fewer than 20 positives has "too few" instead of a figure. A label that the files have no column for, or
nothing in it, is left out.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toxicity_ml.cli.arguments import add_columns, check_place, columns_from, count, positive
from toxicity_ml.cli.terminal import Table, console, print_tables

if TYPE_CHECKING:
    from toxicity_ml.corpora import Columns
    from toxicity_ml.reporting.rows import Scorer

SITE = ("flags_per_1000", "false_flags_per_1000", "missed_per_1000", "precision", "recall")
TOO_FEW = "too few"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        action="append",
        metavar="DIR",
        help="model version directory (default: the packaged one); again for each version to set beside it",
    )
    parser.add_argument(
        "--data", nargs="+", required=True, metavar="FILE", help="labelled files, each reported by itself"
    )
    add_columns(parser)
    parser.add_argument(
        "--apart",
        choices=("source", "sample"),
        help="report the rows of a file with each value of this column by themselves",
    )
    parser.add_argument(
        "--patterns",
        type=Path,
        metavar="CSV",
        help="report all files joined too, weighted to this population's combinations",
    )
    parser.add_argument(
        "--baseline",
        "--floor",
        dest="baseline",
        nargs="+",
        metavar="FILE",
        help="fit a TF-IDF logistic regression on these and report it beside",
    )
    parser.add_argument(
        "--resamples", type=positive, default=1000, help="bootstrap resamples (default: 1000)"
    )
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write everything as one page")
    parser.add_argument(
        "--errors", type=count, default=25, metavar="N", help="mistakes shown of each kind (default: 25)"
    )
    parser.add_argument(
        "--no-texts", action="store_true", help="quote no comment: neither in the page nor in JSON"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(args: argparse.Namespace) -> int:
    """Returns 0. Raises DataError, ModelNotFound or ModelDamaged."""
    from toxicity_ml.reporting.page import page
    from toxicity_ml.reporting.report import named_apart, report
    from toxicity_ml.reporting.rows import load_rows, load_rows_apart

    check_place(args.report, drawn=True)
    models = _models(args.model or [None])
    first = models[0]
    columns = columns_from(args)
    names = named_apart([Path(source).name for source in args.data])
    parts = []
    for source, name in zip(args.data, names, strict=True):
        if args.apart:
            parts += load_rows_apart(source, first.labels, first.task, name, columns, args.apart)
        else:
            parts.append(load_rows(source, first.labels, first.task, name, columns))
    result = report(
        parts,
        models,
        _baseline(args.baseline, first, columns) if args.baseline else None,
        patterns=args.patterns,
        resamples=args.resamples,
        shown=args.errors,
        with_texts=not args.no_texts,
    )
    if args.report:
        args.report.write_text(page(result), encoding="utf-8")
    if args.json:
        print(json.dumps(result, indent=2, allow_nan=False))
    else:
        _print_tables(result)
    return 0


def _models(directories: Sequence[str | None]) -> "list[Scorer]":
    from toxicity_ml.classifier import Classifier
    from toxicity_ml.reporting.report import named_apart
    from toxicity_ml.reporting.rows import Scorer

    classifiers = [Classifier.load(directory) for directory in directories]
    names = named_apart([classifier.version for classifier in classifiers])

    def scorer(name: str, classifier: Classifier) -> Scorer:
        return Scorer(
            name,
            lambda texts: classifier.predict_array(texts, progress=sys.stderr.isatty()),
            tuple(classifier.thresholds[label] for label in classifier.labels),
            tuple(classifier.labels),
            classifier.task,
        )

    return [scorer(name, classifier) for name, classifier in zip(names, classifiers, strict=True)]


def _baseline(sources: Sequence[str], like: "Scorer", columns: "Columns") -> "Scorer":
    from dataclasses import replace

    from toxicity_ml.baseline import TfidfBaseline
    from toxicity_ml.reporting.rows import joined, load_rows

    rows = joined(
        [load_rows(source, like.labels, like.task, source, columns) for source in sources], "baseline"
    )
    baseline = TfidfBaseline().fit(list(rows.texts), rows.targets)
    return replace(
        like,
        name="tf-idf floor",
        predict=lambda texts: baseline.predict_array(list(texts)),
        thresholds=tuple(0.5 for _ in like.labels),
    )


def _print_tables(report: Mapping[str, Any]) -> None:
    output = console()
    print_tables(output, _tables(report))
    if report["left_out"]:
        from toxicity_ml.reporting.page import left_out_line

        output.print(left_out_line(report["left_out"]), markup=False, highlight=False)
    for model, slices in report["slices"].items():
        output.print(f"{model}: {_punctuation(slices['punctuation'])}", markup=False, highlight=False)
    for kind, found in report["mistakes"].items():
        causes = ", ".join(f"{cause} {counts['first']}" for cause, counts in found["by_cause"].items())
        output.print(f"{kind.replace('_', ' ')}: {found['count']} ({causes or 'none'})", highlight=False)


def _tables(report: Mapping[str, Any]) -> list[Table]:
    from toxicity_ml.evaluation import METRICS

    tables: list[Table] = []
    for part, scorers in report["parts"].items():
        for scorer, found in scorers.items():
            rows = [
                [label, str(values["positives"]), *(_cell(values[m], values["too_few"]) for m in METRICS)]
                for label, values in found["labels"].items()
            ]
            rows.append(["micro", "", *(_cell(found["micro"].get(metric)) for metric in METRICS)])
            rows.append(["macro", "", *(_cell(found["macro_intervals"][metric]) for metric in METRICS)])
            title = f"{part}: {scorer}"
            if "accuracy" in found:
                title += f", accuracy {_cell(found['accuracy'])}"
            tables.append((title, ("label", "positives", *METRICS), rows))
            tables += _recall_tables(f"{part}: {scorer}", found["labels"])
        if all("site" in found for found in scorers.values()):
            site = [
                [
                    name,
                    *(
                        _cell(found["site"][key], found["site"]["too_few"], 1 if "1000" in key else 3)
                        for key in SITE
                    ),
                ]
                for name, found in scorers.items()
            ]
            tables.append(
                (f"{part}: what a site feels", ("", *(key.replace("_", " ") for key in SITE)), site)
            )
        if report["differences"][part]:
            differences = [
                [
                    name,
                    *(_cell(found["labels"][label], True) for label in report["labels"]),
                    _cell(found["mean"], True),
                ]
                for name, found in report["differences"][part].items()
            ]
            title = f"{part}: average precision minus that of {report['model']}, paired"
            tables.append((title, ("", *report["labels"], "mean"), differences))
    return tables


def _recall_tables(title: str, labels: Mapping[str, Any]) -> list[Table]:
    """Recall by share of the rows without a label that are flagged; no table where no label has any."""
    shown = {label: values["recall_at"] for label, values in labels.items() if values["recall_at"]}
    if not shown:
        return []
    rates = list(next(iter(shown.values())))
    rows = [[label, *(_cell(found[rate]) for rate in rates)] for label, found in shown.items()]
    heads = tuple(f"{100 * float(rate):g} %" for rate in rates)
    return [(f"{title}, recall with so many flagged for nothing", ("label", *heads), rows)]


def _punctuation(found: Mapping[str, Any]) -> str:
    if "changed" in found:
        return f"another class without punctuation for {_cell(found['changed'])} of {found['rows']} texts"
    if found["flagged_ratio"] is None:
        return f"none of {found['rows']} natural comments is flagged as it stands"
    verdict = "within" if found["within_limit"] else "over"
    return (
        f"without punctuation {found['rows']} natural comments are flagged {_cell(found['flagged_ratio'])} "
        f"times as often ({verdict} the limit of {found['limit']:g})"
    )


def _cell(found: Mapping[str, float] | None, too_few: bool = False, places: int = 3) -> str:
    if found is None:
        return TOO_FEW if too_few else ""
    value, low, high = (format(found[key], f".{places}f") for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
