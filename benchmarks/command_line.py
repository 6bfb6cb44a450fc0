"""What the benchmarks' command lines have in common: options, the machine, and how figures are printed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def parser(description: str | None) -> argparse.ArgumentParser:
    """With --json; the module's docstring is the description."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", action="store_true", help="print JSON only")
    return made


def add_comments(made: argparse.ArgumentParser) -> None:
    """--data and --seed, as `comments.some` takes them."""
    made.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help='comments of yours, with a "text" or "comment_text" key or column (default: made-up ones)',
    )
    made.add_argument("--seed", type=int, default=0)


def positive(value: str) -> int:
    """A whole number from 1, as argparse wants it."""
    number = int(value)
    if number < 1:
        raise ValueError
    return number


def before_and_after_dashes(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments before `--`, and those after it, which are another command's."""
    given = list(arguments)
    place = given.index("--") if "--" in given else len(given)
    return given[:place], given[place + 1 :]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def lengths(texts: Sequence[str]) -> dict[str, float]:
    """Characters of the comments, on which every figure depends."""
    found = [len(text) for text in texts]
    return {"median": statistics.median(found), "mean": statistics.mean(found), "max": max(found)}


def progress(message: str) -> None:
    """On a terminal, and never among the results."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{message}\n")


def print_json(report: Any) -> None:
    """The whole report."""
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The first column to the left, the figures to the right."""
    table = Table(title=title)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    Console(width=110).print(table)


def described(what: str, report: dict[str, Any]) -> str:
    """`what`, where it comes from and how long it is: of a report with `data` and `characters`."""
    characters = report["characters"]
    return (
        f"{what} ({report['data']}), characters: median {characters['median']:.0f}, mean "
        f"{characters['mean']:.0f}"
    )


def print_machine(found: dict[str, Any]) -> None:
    """One line, with a warning sign that a reader can judge: the load."""
    console = Console(width=110)
    console.print(f"{found['cores']} cores, {found['processor']}")
    if found["load_average"] is not None:
        console.print(
            f"Load average at the end: {found['load_average']:.1f} (if much over the cores, others were "
            "computing too)."
        )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
