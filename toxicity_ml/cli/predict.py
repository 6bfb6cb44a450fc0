"""Score texts. Reads JSON Lines with a "text" key, from FILE or standard input, and writes each object back
in input order with "scores" {label: number}, "labels" (those at or over their threshold) and "model" added.

A line that is not valid gets "error" instead of scores ("line" too where there is no object to add it to),
and the exit code is 1 at the end. Blank lines are passed over; with --plain every line is a text, an empty
one too.
"""

import argparse
import contextlib
import json
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from toxicity_ml.cli import BROKEN_PIPE, FAILED
from toxicity_ml.cli.arguments import positive

MAX_LINE = 16 * 2**20
"""Bytes of a line; a longer one is not valid, and is not held in memory."""
_OURS = frozenset({"scores", "labels", "model", "error"})
"""Keys that only an answer has: what a line brings under them is dropped."""
PATIENCE = 0.02
"""Seconds to wait for a batch to fill: results of a slow stream are not held back for more."""


@dataclass(frozen=True)
class _Item:
    """One line of input: what to write back, and its text, None where it is not valid."""

    answer: dict[str, Any]
    text: str | None


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
        type=_numbers,
        metavar="W,W",
        help="how much each of several models counts, in their order (default: all alike)",
    )
    parser.add_argument("--plain", action="store_true", help="one text a line instead of JSON")
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
    that don't average."""
    from toxicity_ml.classifier import Classifier
    from toxicity_ml.ensemble import Ensemble

    try:
        source = sys.stdin.buffer if args.file == "-" else open(args.file, "rb")  # noqa: SIM115
    except OSError as error:
        sys.stderr.write(f"error: {args.file} cannot be read: {error.strerror}\n")
        return FAILED
    models = args.model or [None]
    classifier: Classifier | Ensemble
    if len(models) == 1 and args.weights is None:
        classifier = Classifier.load(models[0], threads=args.threads)
    else:
        classifier = Ensemble.load(models, args.average, args.weights, threads=args.threads)
    all_valid = True
    try:
        with _progress() as advance:
            for batch in _batches(_items(source, args.plain), args.batch_size):
                _score(classifier, batch)
                _write(batch, sys.stdout)
                all_valid = all_valid and all(item.text is not None for item in batch)
                advance(len(batch))
    except BrokenPipeError:
        # whoever read our output has enough; without this Python complains once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return 0 if all_valid else 1


def _score(classifier: Any, batch: list[_Item]) -> None:
    valid = [item for item in batch if item.text is not None]
    for item, scores in zip(valid, classifier.predict([item.text for item in valid]), strict=True):
        item.answer["scores"] = scores
        item.answer["labels"] = classifier.labels_over_threshold(scores)
        item.answer["model"] = classifier.version


def _write(batch: list[_Item], out: TextIO) -> None:
    # ASCII only, so that lone surrogates survive and the terminal's encoding is no matter
    out.writelines(json.dumps(item.answer, ensure_ascii=True) + "\n" for item in batch)
    out.flush()


def _items(source: BinaryIO, plain: bool) -> Iterator[_Item]:
    for number, line in enumerate(_lines(source), start=1):
        if line is None:
            yield _Item({"line": number, "error": f"the line is longer than {MAX_LINE} bytes"}, None)
        elif plain:
            text = line.decode("utf-8", errors="replace")
            yield _Item({"text": text}, text)
        elif line.strip():
            yield _parsed(line, number)


def _parsed(line: bytes, number: int) -> _Item:
    try:
        value = json.loads(line.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError:
        return _Item({"line": number, "error": "not UTF-8"}, None)
    except (ValueError, RecursionError):
        return _Item({"line": number, "error": "not JSON"}, None)
    if not isinstance(value, dict):
        return _Item({"line": number, "error": "not a JSON object"}, None)
    kept = {key: found for key, found in value.items() if key not in _OURS}
    text = value.get("text")
    if not isinstance(text, str):
        return _Item({**kept, "error": 'no "text" that is a string'}, None)
    return _Item(kept, text)


def _finite(number: str) -> float:
    """A number too large for a float would be written as Infinity, which is not JSON. Raises ValueError."""
    if math.isinf(value := float(number)):
        raise ValueError("out of range")
    return value


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """Lines without their ending; None for each one longer than MAX_LINE, which is read past."""
    while line := source.readline(MAX_LINE + 1):
        if len(line) <= MAX_LINE:
            yield line.rstrip(b"\r\n")
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(MAX_LINE)
        yield None


def _batches(items: Iterator[_Item], size: int) -> Iterator[list[_Item]]:
    """Batches of up to ``size``, fewer when the input pauses: what has been read is never held back.

    A thread reads, since only a thread can wait for input and give up. Its queue is bounded, so that a long
    file is not read faster than it is scored.
    """
    waiting: queue.Queue[_Item | BaseException | None] = queue.Queue(2 * size)
    threading.Thread(target=_read_into, args=(items, waiting), daemon=True, name="reader").start()
    ended = False
    while not ended:
        batch: list[_Item] = []
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


def _read_into(items: Iterator[_Item], waiting: "queue.Queue[_Item | BaseException | None]") -> None:
    try:
        for item in items:
            waiting.put(item)
        waiting.put(None)
    except BaseException as error:  # raised again where the batches are made
        waiting.put(error)


@contextlib.contextmanager
def _progress() -> Iterator[Any]:
    """A count on stderr where a person would see it and it would not cut through the output."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:.0f} texts"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("texts", total=None)
        yield lambda count: bar.advance(task, count)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _numbers(value: str) -> list[float]:
    return [float(number) for number in value.split(",")]
