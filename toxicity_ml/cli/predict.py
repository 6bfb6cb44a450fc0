"""Score texts. Reads JSON Lines with a "text" key, from FILE or standard input, and writes each object back
in input order with "scores" {label: number}, "labels" (those at or over their threshold) and "model" added.

CSV (a FILE that ends in .csv, or --csv) and a JSON array of texts or objects are read too; each row or
element comes back as an object. --column names where the text stands; of CSV it is comment_text, text or
sentence by default.

A line that is not valid gets "error" instead of scores ("line", or "item" of an array, too where there is no
object to add it to), and the exit code is 1 at the end. Blank lines are passed over; with --plain every line
is a text, an empty one too. The output is JSON Lines in UTF-8.
"""

import argparse
import json
import queue
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from toxicity_ml.cli.arguments import numbers, positive
from toxicity_ml.cli.predict_input import OURS, Form, Item, items
from toxicity_ml.cli.terminal import progress
from toxicity_ml.errors import DataError

PATIENCE = 0.02
"""Seconds to wait for a batch to fill: results of a slow stream are not held back for more."""
_UNPRINTED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What is escaped: halves of surrogate pairs, which UTF-8 lacks, other line ends than ours, and what steers a
terminal or turns its text around."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="input; - is standard input (default)"
    )
    parser.add_argument(
        "--model",
        type=Path,
        action="append",
        metavar="DIR",
        help="model version directory (default: the packaged one); several are averaged",
    )
    parser.add_argument(
        "--average",
        choices=("probabilities", "logits"),
        default="probabilities",
        help="what of several models is averaged (default: probabilities)",
    )
    parser.add_argument(
        "--weights",
        type=numbers,
        metavar="W,W",
        help="how much each of several models counts, in their order (default: all alike)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--plain", action="store_true", help="one text a line instead of JSON")
    form.add_argument(
        "--csv", action="store_true", help="CSV with a header (default for a FILE that ends in .csv)"
    )
    parser.add_argument("--column", metavar="NAME", help="column of CSV, or key of JSON, that holds the text")
    parser.add_argument(
        "--batch-size",
        type=positive,
        default=64,
        metavar="N",
        help="texts read before they are scored (default: 64); scores do not depend on it",
    )
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="texts scored at once (default: one for each core)"
    )


def run(args: argparse.Namespace) -> int:
    """Returns 0, or 1 when a line was not valid. Raises ModelNotFound or ModelDamaged; DataError for models
    that don't average and for CSV without the column, OSError for a file that can't be read."""
    from toxicity_ml.classifier import Classifier
    from toxicity_ml.ensemble import Ensemble

    form = _form(args)
    source = sys.stdin.buffer if args.file == "-" else open(args.file, "rb")  # noqa: SIM115
    name = "standard input" if args.file == "-" else args.file
    models = args.model or [None]
    classifier: Classifier | Ensemble
    if len(models) == 1 and args.weights is None:
        classifier = Classifier.load(models[0], threads=args.threads)
    else:
        classifier = Ensemble.load(models, args.average, args.weights, threads=args.threads)
    all_valid = True
    # a count, where a person would see it and it would not cut through the output
    is_shown = sys.stderr.isatty() and not sys.stdout.isatty()
    with progress("texts", is_counter=True, is_shown=is_shown) as move:
        for batch in _batches(items(source, form, args.column, name), args.batch_size):
            _score(classifier, batch)
            _write(batch, sys.stdout)
            all_valid = all_valid and all(item.text is not None for item in batch)
            move(advance=len(batch))
    return 0 if all_valid else 1


def _form(args: argparse.Namespace) -> Form:
    """What the input is. Raises DataError for a column that it can't have."""
    if args.plain and args.column is not None:
        raise DataError("--plain takes each whole line as a text: leave --column out.")
    if args.column in OURS:
        raise DataError(f"--column can't be {args.column}: an answer has that name for its own.")
    if args.plain:
        return "plain"
    return "csv" if args.csv or args.file.lower().endswith(".csv") else "json"


def _score(classifier: Any, batch: list[Item]) -> None:
    valid = [item for item in batch if item.text is not None]
    for item, scores in zip(valid, classifier.predict([item.text for item in valid]), strict=True):
        item.answer["scores"] = scores
        item.answer["labels"] = classifier.labels_over_threshold(scores)
        item.answer["model"] = classifier.version


def _write(batch: list[Item], out: TextIO) -> None:
    """JSON is UTF-8, whatever the locale; only a terminal that shows something else gets ASCII."""
    is_ascii = out.isatty() and (out.encoding or "").lower().replace("-", "") != "utf8"
    out.buffer.writelines(_as_line(item.answer, is_ascii) for item in batch)
    out.flush()


def _as_line(answer: dict[str, Any], is_ascii: bool) -> bytes:
    content = json.dumps(answer, ensure_ascii=is_ascii)
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", content).encode() + b"\n"


def _batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Batches of up to ``size``, fewer when the input pauses: what has been read is never held back.

    A thread reads, since only a thread can wait for input and give up. Its queue is bounded, so that a long
    file is not read faster than it is scored.
    """
    waiting: queue.Queue[Item | BaseException | None] = queue.Queue(2 * size)
    threading.Thread(target=_read_into, args=(items, waiting), daemon=True, name="reader").start()
    ended = False
    while not ended:
        batch: list[Item] = []
        deadline = None
        while len(batch) < size and not ended:
            try:
                item = waiting.get(
                    timeout=None if deadline is None else max(0.0, deadline - time.monotonic())
                )
            except queue.Empty:
                break
            if isinstance(item, BaseException):
                raise item
            if item is None:
                ended = True
            else:
                batch.append(item)
                deadline = deadline or time.monotonic() + PATIENCE
        if batch:
            yield batch


def _read_into(items: Iterator[Item], waiting: "queue.Queue[Item | BaseException | None]") -> None:
    try:
        for item in items:
            waiting.put(item)
        waiting.put(None)
    except BaseException as error:  # raised again where the batches are made
        waiting.put(error)
