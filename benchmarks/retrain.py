"""How long a retraining takes and what memory it needs, beside naive fine-tuning from the base encoder.

A site of made-up comments is decided by the database, as many decisions as asked for; then the real
`manage.py retrain` runs in a process of its own, on the cores that it is given, and the memory of that
process and its children is watched. The naive way is what a script does that keeps nothing: the base encoder
with a fresh head, a corpus of the size of Jigsaw's training file and the decisions, two epochs of everything.
It is trained on a sample of so many rows, and its time is extrapolated from the seconds that a row takes
longer than half the sample does; its memory is measured.

    python benchmarks/retrain.py [--decisions 1000 10000] [--cores 2] [--corpus-rows 159571] [--sampled 600]
        [--json] [-- OPTIONS OF retrain]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line
from benchmarks.command_line import positive
from benchmarks.retrain_story import scratch_site
from toxicity_ml.labels import JIGSAW_LABELS

ROOT = Path(__file__).resolve().parent.parent
JIGSAW_ROWS = 159_571
NAIVE_EPOCHS = 2
AIM_MINUTES, AIM_GIB = 10, 3
LOOK_SECONDS = 0.2
SPARE = 1.7
"""So many comments for each decision: the rest is what nobody reviewed."""
AUDITED = 0.3
"""Share of the decisions that came up at random."""


@dataclass(frozen=True)
class Cost:
    """What a process and its children took."""

    seconds: float
    cpu_seconds: float
    """Of all cores together: what counts where others compute, too."""
    peak_gib: float


def main() -> int:
    """Print a table, or one JSON object with --json."""
    args = _arguments()
    report: dict[str, Any] = {
        "cores": args.cores,
        "aim": {"decisions": 1000, "minutes": AIM_MINUTES, "gib": AIM_GIB},
        "ours": [],
        "naive": [],
    }
    with tempfile.TemporaryDirectory(prefix="retrain-benchmark-") as place:
        work = Path(place)
        for count in args.decisions:
            report["ours"].append({"decisions": count, **_ours(count, args, work)})
            if not report["naive"]:
                report["naive"].append({"decisions": count, **_naive(count, args, work)})
    first = report["ours"][0]
    report["ratio"] = report["naive"][0]["cpu_seconds"] / first["cpu_seconds"]
    report["machine"] = command_line.machine()
    if args.json:
        command_line.print_json(report)
    else:
        _print(report)
    return 0


def _ours(count: int, args: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Make a site with so many decisions, and retrain it."""
    site = work / f"site-{count}"
    decided = _run(
        [sys.executable, __file__, "--make-site", str(site), "--decisions", str(count)], args.cores
    )
    command = [sys.executable, __file__, "--retrain-site", str(site), "--", *args.retrain]
    cost = _run(command, args.cores)
    found = json.loads((site / "retrained.json").read_text(encoding="utf-8"))
    return {**asdict(cost), "deciding_seconds": decided.seconds, "counts": found["counts"]}


def _naive(count: int, args: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Train the base encoder on two samples of a corpus, and extrapolate from what the rows between cost."""
    base = work / "base"
    _run([sys.executable, __file__, "--make-base", str(base)], args.cores)
    costs = {}
    for rows in (args.sampled // 2, args.sampled):
        data = work / f"naive-{rows}.csv"
        _write_corpus(data, rows)
        out = work / f"naive-{rows}"
        call = [sys.executable, "-m", "toxicity_ml", "train", "--data", str(data), "--out", str(out)]
        options = [
            "--base-model",
            str(base),
            "--epochs",
            "1",
            "--evaluations",
            "0",
            "--languages",
            "en",
            "--json",
        ]
        costs[rows] = _run([*call, *options], args.cores)
    few, many = costs
    per_row = {
        name: max(0.0, getattr(costs[many], name) - getattr(costs[few], name)) / (many - few)
        for name in ("seconds", "cpu_seconds")
    }
    rows = args.corpus_rows + count
    return {
        "rows": rows,
        "epochs": NAIVE_EPOCHS,
        "sampled_rows": many,
        "seconds": costs[few].seconds + NAIVE_EPOCHS * rows * per_row["seconds"],
        "cpu_seconds": costs[few].cpu_seconds + NAIVE_EPOCHS * rows * per_row["cpu_seconds"],
        "peak_gib": costs[many].peak_gib,
    }


def _make_base(directory: Path) -> None:
    """Write an encoder as large as the one that the packaged version comes from, and its tokenizer: what it
    knows makes no difference to what training costs."""
    from transformers import PreTrainedTokenizerFast

    from moderation.versions.artifacts import packaged_directory
    from toxicity_ml.network import load_model

    packaged = packaged_directory()
    encoder: Any = load_model(packaged).encoder
    del encoder.config.classifier_pooling  # it would make a version of ours of it, to go on from
    encoder.save_pretrained(directory)
    tokens = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = PreTrainedTokenizerFast(tokenizer_file=str(packaged / "tokenizer.json"), **tokens)
    fast.save_pretrained(directory)


def _write_corpus(path: Path, rows: int) -> None:
    """Comments of our own, about as long as those of Wikipedia's talk pages are on average (70 words)."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", *JIGSAW_LABELS])
        writer.writerows([text, *map(int, labels)] for text, labels in _comments(rows, phrases=6))


def _comments(count: int, *, phrases: int) -> Iterator[tuple[str, list[bool]]]:
    """Yield made-up comments of so many phrases, no two alike, each with its labels."""
    from toxicity_ml.augmentation.counterexamples import counterexamples

    chance = random.Random(count)
    found = counterexamples(4000, seed=1)
    drawn = list(zip(found["text"], found["labels"], strict=True))
    for number in range(count):
        parts = chance.sample(drawn, phrases)
        labels = [
            any(label == 1 for label in column) for column in zip(*(part[1] for part in parts), strict=True)
        ]
        yield f"{' '.join(part[0] for part in parts)} {number}", labels


def _run(command: list[str], cores: int) -> Cost:
    """Run a command on so many cores, and watch its memory and its children's."""
    import psutil

    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(cores),
        "OMP_WAIT_POLICY": "PASSIVE",  # as `retrain` has it; else threads that wait count as busy
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
    }
    began, used = time.monotonic(), _children_seconds()
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))[:cores]
        os.sched_setaffinity(process.pid, allowed)
    peak = 0
    over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(LOOK_SECONDS):
            peak = max(peak, _memory(psutil, process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, errors = process.communicate()
    over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(errors.decode(errors="replace")[-3000:])
    seconds, cpu_seconds = time.monotonic() - began, _children_seconds() - used
    return Cost(round(seconds, 1), round(cpu_seconds, 1), round(peak / 2**30, 2))


def _children_seconds() -> float:
    """Return the processor time of all children that have ended, theirs included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _memory(psutil: Any, pid: int) -> int:
    """Resident memory of a process and all its children, shared pages counted once for each."""
    try:
        parent = psutil.Process(pid)
        return sum(one.memory_info().rss for one in (parent, *parent.children(recursive=True)))
    except psutil.Error:
        return 0


def _make_site(site: Path, count: int) -> None:
    """Make comments that a worker has scored, and `count` decisions, three in ten on random ones."""
    with scratch_site("sqlite", site, MODEL_CACHE=str(site / "cache")):
        from django.contrib.auth.models import User

        from moderation.models import Screening
        from moderation.review.decisions import decide
        from moderation.texts import text_key
        from moderation.worker.drain import drain

        labels_by_id: dict[int, dict[str, bool]] = {}
        for text, labels in _comments(round(SPARE * count), phrases=1):
            made = Screening.objects.create(source="import", text=text, text_key=text_key(text, "benchmark"))
            labels_by_id[made.pk] = dict(zip(JIGSAW_LABELS, labels, strict=True))
        drain()
        moderator = User.objects.create(username="moderator")
        for number, (screening_id, truth) in enumerate(list(labels_by_id.items())[:count]):
            if number < AUDITED * count:
                Screening.objects.filter(pk=screening_id).update(
                    queued_for=Screening.QueuedFor.AUDIT, sampling_probability=0.05
                )
            decide(screening_id, reviewer=moderator, kind="relabel", labels=truth)


def _retrain_site(site: Path, options: list[str]) -> None:
    with scratch_site("sqlite", site, MODEL_CACHE=str(site / "cache")):
        from io import StringIO

        from django.core.management import call_command

        out = StringIO()
        call_command("retrain", "--json", *options, stdout=out)
        (site / "retrained.json").write_text(out.getvalue(), encoding="utf-8")


def _print(report: dict[str, Any]) -> None:
    rows = [[f"retrain, {one['decisions']:,} decisions", *_figures(one)] for one in report["ours"]]
    (naive,) = report["naive"]
    rows.append(
        [
            f"naive, {naive['rows']:,} rows, {naive['epochs']} epochs (extrapolated)",
            *_figures(naive),
        ]
    )
    command_line.print_table(
        f"on {report['cores']} cores", ["", "minutes", "processor minutes", "peak GiB"], rows
    )
    decisions = report["ours"][0]["decisions"]
    print(
        f"The naive way takes {report['ratio']:.0f} times the processor time of {decisions:,} decisions; the "
        f"aim for 1,000 is under {AIM_MINUTES} minutes and {AIM_GIB} GiB."
    )
    command_line.print_machine(report["machine"])


def _figures(cost: dict[str, Any]) -> list[str]:
    minutes = [f"{cost[name] / 60:,.1f}" for name in ("seconds", "cpu_seconds")]
    return [*minutes, f"{cost['peak_gib']:.2f}"]


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--decisions", type=positive, nargs="+", default=[1000, 10_000])
    parser.add_argument("--cores", type=positive, default=2)
    parser.add_argument("--corpus-rows", type=positive, default=JIGSAW_ROWS)
    parser.add_argument("--sampled", type=positive, default=600)
    parser.add_argument("--make-site", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--make-base", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--retrain-site", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("retrain", nargs="*", metavar="-- OPTION", help="further options of `retrain`")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    if asked.make_site:
        _make_site(asked.make_site, asked.decisions[0])
    elif asked.make_base:
        _make_base(asked.make_base)
    elif asked.retrain_site:
        _retrain_site(asked.retrain_site, asked.retrain)
    else:
        raise SystemExit(main())
