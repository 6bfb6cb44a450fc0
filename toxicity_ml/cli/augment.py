"""Write changed copies of labelled texts as a CSV that can be trained on, each with where it came from.

Methods: eda (synonyms, insertion, swap, deletion), noise (misspelt words), strip (no punctuation, no
capitals), join (to a text without labels; labels OR-ed), back-translation (--pivot, or --model and
--back-model), paraphrase (--model). The column source ties a copy to its text, so that a later split keeps
them together.
"""

import argparse
import csv
import json
import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toxicity_ml.cli.terminal import progress
from toxicity_ml.errors import DataError
from toxicity_ml.labels import JIGSAW_LABELS, MULTI_LABEL, SINGLE_LABEL

if TYPE_CHECKING:
    from toxicity_ml.augmentation.copies import Copy, HeldOut, Row

METHODS = ("eda", "noise", "strip", "join", "back-translation", "paraphrase")
ORIGIN = ("weight", "sample", "source", "source_file", "source_row", "method", "parameters")
"""Columns of the result after text and labels."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument("--data", nargs="+", required=True, metavar="FILE", help="labelled rows, as for train")
    data.add_argument("--out", type=Path, required=True, metavar="FILE.csv", help="the file to write")
    data.add_argument("--task", choices=(MULTI_LABEL, SINGLE_LABEL), default=MULTI_LABEL)
    data.add_argument(
        "--labels", nargs="+", metavar="LABEL", help="labels or classes (default: Jigsaw's six)"
    )
    data.add_argument(
        "--only-label", action="append", default=[], metavar="LABEL", help="only rows with it; repeatable"
    )
    data.add_argument("--limit", type=int, metavar="N", help="augment N rows drawn at random")
    data.add_argument("--held-out", nargs="+", metavar="FILE", help="refuse rows that are in these")
    data.add_argument(
        "--skip-held-out",
        action="store_true",
        help="leave rows that are in --held-out out instead of refusing",
    )
    data.add_argument("--with-originals", action="store_true", help="write the augmented rows too")
    data.add_argument("--json", action="store_true", help="print what was done as JSON")
    how = parser.add_argument_group("how")
    how.add_argument("--method", action="append", required=True, choices=METHODS, help="repeatable")
    how.add_argument("--per-row", type=int, default=4, metavar="N", help="copies by each method (default: 4)")
    how.add_argument("--seed", type=int, default=0)
    how.add_argument("--alpha", type=float, default=0.1, help="strength of EDA's operations (default: 0.1)")
    how.add_argument("--synonyms", choices=("auto", "wordnet", "shipped"), default="auto")
    how.add_argument(
        "--protect",
        metavar="FILE|auto",
        help="words that EDA leaves alone: one a line, or those of the labels",
    )
    models = parser.add_argument_group("models")
    models.add_argument("--model", metavar="NAME|DIR", help="sequence-to-sequence model")
    models.add_argument("--back-model", metavar="NAME|DIR", help="translates back what --model translated")
    models.add_argument(
        "--pivot", metavar="LANGUAGE", help="translate there and back with Marian: de, fr ..."
    )
    models.add_argument("--prefix", help="what --model wants before a text")
    models.add_argument("--back-prefix", default="", help="what --back-model wants before a text")
    models.add_argument("--beams", type=int, default=4)
    models.add_argument("--sample", action="store_true", help="draw words instead of the best beam")
    models.add_argument("--temperature", type=float, default=1.0)
    models.add_argument("--top-p", type=float, default=1.0)
    models.add_argument("--batch-size", type=int, default=16)
    models.add_argument("--device", help="as in torch (default: CUDA where there is one)")
    models.add_argument(
        "--nearest", type=float, default=0.8, help="drop copies more alike to their text or each other"
    )


def run(args: argparse.Namespace) -> int:
    from toxicity_ml.augmentation.copies import HeldOut

    labels = tuple(args.labels or JIGSAW_LABELS)
    _check(args, labels)
    rows = read_rows(args.data, labels, args.task)
    chosen = _chosen(rows, labels, args)
    held_out = None
    dropped: Counter[str] = Counter()
    if args.held_out:
        held_out = HeldOut([row.text for row in read_rows(args.held_out, labels, args.task)])
        sources = rows if "join" in args.method else chosen
        if args.skip_held_out:
            skipped = {row for row in sources if held_out.holds(row.text)}
            rows = [row for row in rows if row not in skipped]
            chosen = [row for row in chosen if row not in skipped]
            dropped["rows that are nearly held out"] += len(skipped)
        else:
            held_out.refuse(sources)
    parameters: dict[str, dict[str, object]] = {}
    partial_file = args.out.with_name(args.out.name + ".partial")
    try:
        copies = _copies(args, rows, chosen, parameters)
        counts = _write(partial_file, labels, _kept(copies, held_out, dropped), parameters, args, chosen)
        partial_file.replace(args.out)
    finally:
        partial_file.unlink(missing_ok=True)
    summary = {
        "file": str(args.out),
        "rows": len(chosen),
        "copies": dict(counts),
        "dropped": dict(dropped),
        "parameters": parameters,
    }
    if args.json:
        print(json.dumps(summary, indent=2))
    else:
        made = ", ".join(f"{counts[method]:,} by {method}" for method in dict.fromkeys(args.method))
        print(f"{counts.total():,} copies of {len(chosen):,} rows are in {args.out}: {made}.")
        for reason, count in dropped.items():
            print(f"{count:,} left out: {reason}.")
    return 0


def read_rows(sources: Sequence[str], labels: tuple[str, ...], task: str) -> list["Row"]:
    """The rows of the sources with where each stands. Raises DataError as ``corpora.load`` does."""
    from datasets import disable_progress_bars

    from toxicity_ml import corpora
    from toxicity_ml.augmentation.copies import Row

    disable_progress_bars()
    rows: list[Row] = []
    for source in sources:
        name = Path(source).name if Path(source).exists() else source
        data = corpora.load([source], labels, task)
        columns = zip(
            data["text"], data["labels"], data["weight"], data["sample"], data["source"], strict=True
        )
        rows.extend(
            Row(text, tuple(row_labels), name, number, weight, sample, origin)
            for number, (text, row_labels, weight, sample, origin) in enumerate(columns, start=1)
        )
    return rows


def _check(args: argparse.Namespace, labels: tuple[str, ...]) -> None:
    if args.out.suffix != ".csv":
        raise DataError(f"{args.out}: the result is CSV, name a file that ends in .csv.")
    if args.out.exists():
        raise DataError(f"{args.out} exists; name another file.")
    if not args.out.parent.is_dir():
        raise DataError(f"{args.out.parent} is not a directory.")
    if args.per_row < 1 or (args.limit is not None and args.limit < 1):
        raise DataError("--per-row and --limit are numbers from 1 on.")
    if args.task == SINGLE_LABEL and args.labels is None:
        raise DataError("Name the classes with --labels.")
    unknown = [label for label in args.only_label if label not in labels]
    if unknown:
        raise DataError(f"--only-label {', '.join(unknown)}: the labels are {', '.join(labels)}.")
    if "join" in args.method and args.task == SINGLE_LABEL:
        raise DataError("--method join makes texts of two classes: it is for multi_label only.")
    if "paraphrase" in args.method and not args.model:
        raise DataError("--method paraphrase needs --model: a T5 or another model that makes paraphrases.")
    if "back-translation" in args.method and not (args.pivot or (args.model and args.back_model)):
        raise DataError("--method back-translation needs --pivot, or --model and --back-model.")
    if {"paraphrase", "back-translation"} <= set(args.method) and not args.pivot:
        raise DataError(
            "With paraphrase, --model is the paraphrasing one: name --pivot for back-translation."
        )


def _chosen(rows: list["Row"], labels: tuple[str, ...], args: argparse.Namespace) -> list["Row"]:
    from toxicity_ml.augmentation.copies import is_positive

    wanted = [labels.index(label) for label in args.only_label]
    chosen = [row for row in rows if not wanted or any(is_positive(row, index) for index in wanted)]
    if not chosen:
        raise DataError(f"No row has the label {' or '.join(args.only_label)}.")
    if args.limit and args.limit < len(chosen):
        generator = random.Random(args.seed)  # noqa: S311 - a sample, not a secret
        chosen = [chosen[index] for index in sorted(generator.sample(range(len(chosen)), args.limit))]
    return chosen


def _copies(
    args: argparse.Namespace,
    rows: list["Row"],
    chosen: list["Row"],
    parameters: dict[str, dict[str, object]],
) -> Iterator["Copy"]:
    """The copies by each method in turn; fills in the parameters of each before its first copy."""
    from toxicity_ml.augmentation.copies import joined

    for method in dict.fromkeys(args.method):
        if method == "join":
            parameters[method] = {"seed": args.seed}
            yield from joined(chosen, rows, args.per_row, args.seed)
        else:
            yield from _rewritten(method, args, rows, chosen, parameters)


def _rewritten(
    method: str,
    args: argparse.Namespace,
    rows: list["Row"],
    chosen: list["Row"],
    parameters: dict[str, dict[str, object]],
) -> Iterator["Copy"]:
    from toxicity_ml.augmentation.copies import rewritten
    from toxicity_ml.cli.augment_methods import rewriter

    rewrite, parameters[method] = rewriter(method, args, rows)
    with progress(method, len(chosen)) as move:
        yield from rewritten(chosen, rewrite, method, args.per_row, lambda count: move(advance=count))


def _kept(copies: Iterable["Copy"], held_out: "HeldOut | None", dropped: Counter[str]) -> Iterator["Copy"]:
    """Each text once, and none that became a held-out one; what is left out is counted."""
    seen: set[str] = set()
    for copy in copies:
        if copy.text in seen:
            dropped["copies made twice"] += 1
        elif held_out and held_out.holds(copy.text):
            dropped["copies that became nearly a held-out text"] += 1
        else:
            seen.add(copy.text)
            yield copy


def _write(
    path: Path,
    labels: tuple[str, ...],
    copies: Iterable["Copy"],
    parameters: dict[str, dict[str, object]],
    args: argparse.Namespace,
    chosen: list["Row"],
) -> Counter[str]:
    """Write the file and return how many copies each method made."""
    counts: Counter[str] = Counter()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", *labels, *ORIGIN])
        if args.with_originals:
            for row in chosen:
                origin = (row.source or row.keys[0], row.file, str(row.number), "", "")
                writer.writerow([row.text, *_cells(row.labels), f"{row.weight:g}", row.sample, *origin])
        for copy in copies:
            first, names = copy.parents[0], "+".join(parent.file for parent in copy.parents)
            numbers = "+".join(str(parent.number) for parent in copy.parents)
            origin = (copy.source, names, numbers, copy.method, json.dumps(parameters[copy.method]))
            writer.writerow([copy.text, *_cells(copy.labels), f"{first.weight:g}", first.sample, *origin])
            counts[copy.method] += 1
        file.flush()
        os.fsync(file.fileno())
    return counts


def _cells(labels: Sequence[float]) -> list[str]:
    return ["" if label != label else f"{label:g}" for label in labels]
