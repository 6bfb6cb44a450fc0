"""Measure how disguise, noise and context change the scores of toxic comments, and what undoing disguises
costs in false flags.

Rows that carry the label are rewritten (a sample named *cleaned* is left out); rows without it, of a sample
named *natural* where there is one, set the threshold. A loss is recall before minus after, on the same
comments, in points.
"""

import argparse
import html
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toxicity_ml.cli.arguments import add_columns, add_model, check_place, columns_from, positive
from toxicity_ml.cli.terminal import Table, console, print_tables, progress

if TYPE_CHECKING:
    from toxicity_ml.classifier import Classifier
    from toxicity_ml.corpora import Columns

LIMIT_MISSED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("--data", nargs="+", required=True, metavar="FILE", help="labelled CSV files")
    add_columns(parser)
    parser.add_argument("--label", metavar="NAME", help="label to attack (default: the model's first)")
    parser.add_argument(
        "--sample", type=positive, default=300, metavar="N", help="comments rewritten (default: 300)"
    )
    parser.add_argument("--seed", type=int, default=0, help="for the sample, the rewrites and the bootstrap")
    parser.add_argument(
        "--resamples", type=positive, default=1000, metavar="N", help="bootstrap resamples (default: 1000)"
    )
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write the tables as a page")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a limit is missed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(args: argparse.Namespace) -> int:
    """Returns 0, or with --strict 1 when a limit is missed. Raises DataError for data that can't be used."""
    import numpy as np

    from toxicity_ml.classifier import Classifier
    from toxicity_ml.robustness import REWRITES, attack

    check_place(args.report)
    classifier = Classifier.load(args.model)
    label = args.label or classifier.labels[0]
    toxic, natural = _comments(args.data, classifier, label, columns_from(args))
    if len(toxic) > args.sample:
        chosen = np.random.default_rng(args.seed).choice(len(toxic), size=args.sample, replace=False)
        toxic = [toxic[index] for index in sorted(chosen)]
    with progress("", len(REWRITES) + 4) as move:
        report = attack(
            classifier,
            toxic,
            natural,
            label=label,
            seed=args.seed,
            resamples=args.resamples,
            on_step=lambda step: move(description=step, advance=1),
        )
    if args.report:
        args.report.write_text(_page(report), encoding="utf-8")
    if args.json:
        print(json.dumps(report, indent=2, allow_nan=False))
    else:
        output = console()
        output.print(_summary(report), highlight=False, markup=False)
        print_tables(output, _tables(report))
    return LIMIT_MISSED if args.strict and not report["passes"] else 0


def _comments(
    sources: list[str], classifier: "Classifier", label: str, columns: "Columns"
) -> tuple[list[str], list[str]]:
    """The comments that carry the label, and natural ones that do not."""
    from toxicity_ml import corpora
    from toxicity_ml.errors import DataError

    if label not in classifier.labels:
        raise DataError(f"This model has no label {label}; it has {', '.join(classifier.labels)}.")
    task = classifier.task
    rows = corpora.read(sources, classifier.labels, task, columns)
    column = classifier.labels.index(label)
    texts, samples = [row["text"] for row in rows], [row["sample"] for row in rows]
    values = [row["labels"][column] for row in rows]
    if all(math.isnan(value) for value in values):
        raise DataError(f"No row was judged by {label}; name another label with --label.")
    is_marked = "natural" in samples
    toxic = [
        text
        for text, value, sample in zip(texts, values, samples, strict=True)
        if value >= 0.5 and "cleaned" not in sample
    ]
    natural = [
        text
        for text, value, sample in zip(texts, values, samples, strict=True)
        if value < 0.5 and (sample == "natural" or not is_marked)
    ]
    return toxic, natural


def _tables(report: dict[str, Any]) -> Iterator[Table]:
    """Everything of the report as cells."""
    rows: list[tuple[str, ...]] = [
        (
            found["kind"],
            found["name"],
            f"{found['changed']:.0%}",
            f"{found['recall']:.3f}",
            _points(found["loss"]),
        )
        for found in report["rewrites"]
    ]
    rows.append(("control", "word masked", "", "", _points(report["control"])))
    yield "Rewrites", ("class", "rewrite", "comments changed", "recall", "recall lost, points"), rows
    flags = report["false_flags"]
    limits: list[tuple[str, ...]] = [
        (kind, _points(found["loss"]), f"{100 * found['limit']:g}", found["worst"], _verdict(found["passes"]))
        for kind, found in report["classes"].items()
    ]
    limits.append(
        (
            "false flags more",
            _points(flags["change"]),
            f"{100 * flags['limit']:g}",
            "",
            _verdict(flags["passes"]),
        )
    )
    yield "Limits", ("of", "points", "limit", "worst rewrite", "verdict"), limits
    yield (
        "Harmless sentences",
        ("group", "sentences", "flagged", "only since disguises are undone"),
        [
            (group, str(found["sentences"]), str(found["flagged"]), str(found["flagged by repair"]))
            for group, found in report["harmless"].items()
        ],
    )
    yield (
        "Edge cases",
        ("case", "characters", "seconds", "highest score", "verdict"),
        [
            (
                case["name"],
                f"{case['characters']:,}",
                f"{case['seconds']:.3f}",
                f"{case['highest']} {case['score']:.3f}",
                _verdict(case["passes"]),
            )
            for case in report["edge_cases"]
        ],
    )


def _points(figure: dict[str, float]) -> str:
    """A share as points, with its interval."""
    value, low, high = (100 * figure[name] + 0.0 for name in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def _verdict(passes: bool) -> str:
    return "pass" if passes else "miss"


def _summary(report: dict[str, Any]) -> str:
    rows, recall, flags = report["rows"], report["recall"], report["false_flags"]
    left_out = f" ({rows['left out']} without such a word left out)" if rows["left out"] else ""
    return (
        f"{report['model']}, label {report['label']}: {rows['toxic']} comments{left_out} rewritten at the "
        f"threshold {report['threshold']:.3f}, which flags {flags['with']:.1%} of {rows['natural']} natural "
        f"comments without the label and finds {recall['value']:.3f} [{recall['low']:.3f}, "
        f"{recall['high']:.3f}] of those with it as they were written. {flags['read twice']:.1%} of the "
        "natural comments are read undisguised too. "
        "Intervals: 95 % bootstrap over the comments; a class "
        "loses the mean of its rewrites, a gain counted as 0."
    )


def _page(report: dict[str, Any]) -> str:
    body = []
    for title, names, rows in _tables(report):
        head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
        lines = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        body.append(f"<h2>{html.escape(title)}</h2><table><tr>{head}</tr>{lines}</table>")
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Robustness</title><style>"
        "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}"
        "td,th{padding:.3rem .8rem;border-bottom:1px solid #8884;text-align:left}"
        "td{font-variant-numeric:tabular-nums}</style>"
        f"<h1>Robustness of {html.escape(report['model'])}</h1>"
        f"<p>{html.escape(_summary(report))}</p>{''.join(body)}</html>\n"
    )
