"""Time every way of running a model version on this machine, on made-up comments: latency of one comment
(p50, p95, p99) and throughput, by length, threads and batch.

Backends take turns in each of several rounds, after one to warm up, and each is compared within the round
with torch in float32. Threads are cores of one run for latency; for throughput they are comments scored at
once where the batch is 1, and cores of one batch above that.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from toxicity_ml.cli.arguments import add_model, check_place, positive
from toxicity_ml.cli.terminal import console, progress
from toxicity_ml.inference.cores import available_cores

if TYPE_CHECKING:
    from toxicity_ml.benchmarking.benchmark import Plan, Ratio, Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from toxicity_ml.benchmarking.backends import VARIANTS

    add_model(parser)
    parser.add_argument(
        "--backends",
        nargs="+",
        choices=VARIANTS,
        default=[],
        metavar="NAME",
        help=f"out of {', '.join(VARIANTS)} (default: those that run here and need no compiling for a CPU)",
    )
    parser.add_argument(
        "--lengths",
        nargs="+",
        type=positive,
        metavar="N",
        help="tokens of a comment (default: 8 16 32 64 128 190)",
    )
    parser.add_argument(
        "--threads", nargs="+", type=positive, metavar="N", help="cores to use (default: one, and all)"
    )
    parser.add_argument(
        "--batch",
        nargs="+",
        type=positive,
        metavar="N",
        help="comments in one run of torch, padded together (default: 1 8 32)",
    )
    parser.add_argument("--rounds", type=positive, metavar="N", help="rounds (default: 5)")
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds: two lengths, two rounds, one core"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw latency and throughput by length")


def run(args: argparse.Namespace) -> int:
    """Returns 0. Raises DataError for lengths that the model does not have, BackendUnavailable for a backend
    that does not run here."""
    from toxicity_ml.benchmarking.benchmark import benchmark
    from toxicity_ml.classifier import PRETRAINED

    check_place(args.plot, drawn=True)
    with progress("Timing") as move:
        report = benchmark(
            args.model or PRETRAINED,
            _plan(args),
            lambda done, total: move(completed=done, total=total),
        )
    if args.plot:
        from toxicity_ml.benchmarking.plot import plot

        plot(report, args.plot)
    if args.json:
        print(json.dumps(asdict(report), indent=2, allow_nan=False))
    else:
        _print_tables(report)
    return 0


def _plan(args: argparse.Namespace) -> "Plan":
    from toxicity_ml.benchmarking.benchmark import Plan

    if args.quick:
        base = Plan(lengths=(16, 64), threads=(1,), batches=(1, 8), rounds=2, calls=10, seconds=0.05)
    else:
        cores = available_cores()
        base = Plan(threads=tuple(sorted({1, cores})))
    return Plan(
        backends=args.backends,
        lengths=args.lengths or base.lengths,
        threads=args.threads or base.threads,
        batches=args.batch or base.batches,
        rounds=args.rounds or base.rounds,
        calls=base.calls,
        seconds=base.seconds,
    )


def _print_tables(report: "Report") -> None:
    from rich.table import Table

    output = console()
    against = f"times {report.baseline}"
    output.print(f"{report.model}: milliseconds for one comment of so many tokens")
    table = Table()
    for column in ("threads", "tokens", "backend", "p50", "p95", "p99", against):
        table.add_column(column, justify="left" if column == "backend" else "right")
    group = None
    for row in report.latency:
        if group not in (None, (row.threads, row.tokens)):
            table.add_section()
        group = (row.threads, row.tokens)
        figures = (f"{value:.2f}" for value in (row.p50, row.p95, row.p99))
        table.add_row(str(row.threads), str(row.tokens), row.backend, *figures, _ratio(row.speedup))
    output.print(table)

    lengths = list(dict.fromkeys(row.tokens for row in report.throughput))
    output.print(f"Comments a second, of so many tokens each ({against} in its best batch)")
    table = Table()
    table.add_column("threads", justify="right")
    table.add_column("backend")
    for column in ("batch", *map(str, lengths)):
        table.add_column(column, justify="right")
    lines: dict[tuple[int, str, int], list[str]] = {}
    for rate in report.throughput:
        speedup = f" ({rate.speedup.median:.1f})" if rate.speedup else ""
        line = lines.setdefault((rate.threads, rate.backend, rate.batch), [])
        line.append(f"{rate.texts_per_second:,.0f}{speedup}")
    for (threads, backend, batch), cells in lines.items():
        table.add_row(str(threads), backend, str(batch), *cells)
    output.print(table)

    for name, difference in report.differences.items():
        if name != report.baseline:
            output.print(
                f"{name}: sigmoid(logit) within {difference:.4f} of {report.baseline} on these texts"
            )
    machine = report.machine
    output.print(f"{machine['processor']}, {machine['cores']} cores, {report.rounds} rounds", highlight=False)
    for note in (machine["cuda_device"], *report.notes):
        if note:
            output.print(note, highlight=False)


def _ratio(ratio: "Ratio | None") -> str:
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else ""
