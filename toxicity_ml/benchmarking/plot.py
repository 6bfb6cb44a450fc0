"""A benchmark report as a picture: latency and throughput by length, one colour for each backend."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from toxicity_ml.benchmarking.backends import is_on_cuda

if TYPE_CHECKING:
    from toxicity_ml.benchmarking.benchmark import Report

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#b2a100", "#000000")
"""Told apart with any kind of colour vision (Okabe & Ito 2008), the yellow darkened."""
MARKERS = "osD^vPX*"


def plot(report: "Report", path: Path) -> None:
    """Write a PNG, or what else the file's ending says. Left: p50 and, dotted, p99 for the fewest threads.
    Right: the median rate of the best batch, with the range of its rounds, for the most threads."""
    figure = Figure(figsize=(12, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    names = list(dict.fromkeys(row.backend for row in report.latency))
    few = min(row.threads for row in report.latency)
    most = max(row.threads for row in report.throughput)
    for number, name in enumerate(names):
        style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
        calls = [row for row in report.latency if row.backend == name and _is_at(row, few)]
        _line(left, name, calls, "p50", style)
        left.plot(*_points(calls, "p99"), linestyle=":", linewidth=1.2, color=style["color"])
        rates = [row for row in report.throughput if row.backend == name and _is_at(row, most)]
        best = [
            max((row for row in rates if row.tokens == tokens), key=lambda row: row.texts_per_second)
            for tokens in dict.fromkeys(row.tokens for row in rates)
        ]
        batches = sorted({row.batch for row in best})
        label = f"{name}, batch {'/'.join(map(str, batches))}"
        _line(right, label, best, "texts_per_second", style)
        tokens, low = _points(best, "low")
        right.fill_between(tokens, low, _points(best, "high")[1], color=style["color"], alpha=0.15, lw=0)
    _dress(left, "tokens of the comment", "ms", f"Latency of one comment, {_threads(few)}: p50, p99 dotted")
    _dress(right, "tokens of a comment", "comments a second", f"Throughput, {_threads(most)}, best batch")
    machine = report.machine
    where = machine["cuda_device"] or machine["processor"]
    figure.suptitle(f"{report.model} on {where}, {machine['cores']} cores, {report.rounds} rounds")
    figure.savefig(path, dpi=130)


def _is_at(row: Any, threads: int) -> bool:
    # a CUDA device is timed under one number of threads only
    return bool(row.threads == threads or is_on_cuda(row.backend))


def _line(axes: Any, label: str, rows: Sequence[Any], value: str, style: dict[str, str]) -> None:
    axes.plot(*_points(rows, value), label=label, linewidth=1.8, markersize=5, **style)


def _points(rows: Sequence[Any], value: str) -> tuple[list[int], list[float]]:
    return [row.tokens for row in rows], [getattr(row, value) for row in rows]


def _dress(axes: Any, across: str, up: str, title: str) -> None:
    axes.set(xscale="log", yscale="log", xlabel=across, ylabel=up, title=title)
    ticks = sorted({int(value) for line in axes.lines for value in line.get_xdata()})
    axes.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(_one_two_five)
    axes.grid(alpha=0.3, which="both", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)


def _one_two_five(value: float, position: int | None = None) -> str:
    """Every minor tick has a line, but only those of 2 and 5 have a number."""
    text = f"{value:g}"
    return text if text.strip("0.").startswith(("2", "5")) else ""


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
