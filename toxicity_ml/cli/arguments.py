"""Arguments that several commands have in common: the version to use, where text and labels stand in the
data, the rows to fit to, the version that is made; and the numbers that they take."""

import argparse
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from toxicity_ml.errors import DataError

if TYPE_CHECKING:
    from toxicity_ml.corpora import Columns
    from toxicity_ml.manifest import Manifest


def add_model(parser: argparse.ArgumentParser) -> None:
    """The model version to use; None is the packaged one."""
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="model version directory (default: the packaged one)"
    )


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Where the text and the labels stand in the data; see ``columns_from``."""
    parser.add_argument(
        "--column",
        metavar="NAME",
        help="column of the text (default: comment_text, text or sentence, the first that is there)",
    )
    parser.add_argument(
        "--label-column",
        action="append",
        default=[],
        type=_pair,
        metavar="LABEL=COLUMN",
        help="column of a label (default: its own name; of the class: label); repeatable",
    )


def columns_from(args: argparse.Namespace) -> "Columns":
    """Return the columns that ``add_columns`` parsed.

    A label without a column is not judged, instead of refused.
    """
    from toxicity_ml.corpora import Columns

    return Columns(args.column, dict(args.label_column), needs_all=False)


def check_place(path: Path | None, *, drawn: bool = False) -> None:
    """Raise DataError where no file can be written at that path, before minutes are spent on it.

    drawn: True of what matplotlib draws; raises ModuleNotFoundError where that is missing.
    """
    if path is None:
        return
    if path.is_dir():
        raise DataError(f"{path} is a directory: name a file.")
    if not path.parent.is_dir():
        raise DataError(f"{path.parent} is no directory; make it first, or name another file.")
    if drawn:
        importlib.import_module("matplotlib")


def positive(value: str) -> int:
    """A number from 1."""
    return _whole(value, 1)


def count(value: str) -> int:
    """A number from 0."""
    return _whole(value, 0)


def port(value: str) -> int:
    """A TCP port; 0 lets the system choose one."""
    number = _whole(value, 0)
    if number > 65_535:
        raise argparse.ArgumentTypeError(f"{value!r} is no port: they end at 65535")
    return number


def numbers(value: str) -> list[float]:
    """Numbers between commas."""
    try:
        return [float(number) for number in value.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{value!r} is not numbers with commas between them") from error


def _whole(value: str, least: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from {least}")
    return number


def _pair(value: str) -> tuple[str, str]:
    label, is_there, column = value.partition("=")
    if not (label and is_there and column):
        raise argparse.ArgumentTypeError(f"{value!r} is not LABEL=COLUMN")
    return label, column


def add_validation(parser: argparse.ArgumentParser) -> None:
    """The rows that probabilities and thresholds are fitted to, and their weights."""
    parser.add_argument(
        "--validation",
        nargs="+",
        required=True,
        metavar="FILE",
        help="labelled rows to calibrate and set thresholds by",
    )
    parser.add_argument(
        "--patterns",
        metavar="CSV",
        help="label combinations of the population, to weight these rows by",
    )


def add_result(parser: argparse._ActionsContainer, *, name: str, version: str | None) -> None:
    """name: what the name is by default, in words. version: its default; None: it has to be given."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the model version directory to make"
    )
    parser.add_argument("--name", help=f"the model's name (default: {name})")
    parser.add_argument(
        "--version",
        default=version,
        required=version is None,
        help="the version's name" + ("" if version is None else f" (default: {version})"),
    )
    parser.add_argument("--json", action="store_true", help="print the manifest's metrics as JSON")


def print_result(manifest: "Manifest", args: argparse.Namespace, *, ending: str = "") -> None:
    """Say where the version is that was made, as ``add_result`` was told. ending: what follows, in words."""
    if args.json:
        print(json.dumps({"directory": str(args.out), "metrics": manifest.metrics}, indent=2))
    else:
        print(f"{manifest.name}@{manifest.version} is in {args.out}.{ending}")
