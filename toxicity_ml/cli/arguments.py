"""What the commands that make a version without training have in common: rows to fit to, and what is made."""

import argparse
from pathlib import Path


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


def add_result(parser: argparse.ArgumentParser, *, name: str, version: str | None) -> None:
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
