"""How fast each way of running a model version is on this machine: latency of one comment and throughput, by
length, threads and batch, each beside one baseline that is timed in the same rounds."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from toxicity_ml.activations import sigmoid
from toxicity_ml.benchmarking.backends import is_on_cuda, open_backend, runnable
from toxicity_ml.benchmarking.stopwatch import Cell, Stopwatch, in_rounds, torch_threads_kept
from toxicity_ml.errors import DataError
from toxicity_ml.inference.backends import Backend
from toxicity_ml.inference.windows import WindowEncoder
from toxicity_ml.manifest import Manifest

BASELINE = "torch-fp32"
"""The trained network as most people would run it first."""
LENGTHS = (8, 16, 32, 64, 128, 190)
BATCHES = (1, 8, 32)
TEXTS = 8
"""Different texts of each length, taken in turns."""
BUSY = 0.25
"""Load per core from which a machine counts as busy with other things."""
_WORDS = (
    *("the", "article", "says", "that", "we", "read", "it", "and", "you", "are", "a", "friend", "this", "is"),
    *("wonderful", "rubbish", "nobody", "asked", "for", "your", "opinion", "idiot", "stupid", "kind", "to"),
    *("thank", "good", "answer", "garden", "council", "tuesday", "photograph", "yesterday", "question"),
)

Progress = Callable[[int, int], None]
"""Told (measurements done, measurements in all)."""
Rounds = Mapping[Cell, list[np.ndarray]]
"""Seconds of a text, (n,), for each round."""


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    backends: Sequence[str] = ()
    """Names out of ``backends.VARIANTS``; none means those of its DEFAULT that run here."""
    lengths: Sequence[int] = LENGTHS
    """Tokens of a comment, special tokens included."""
    threads: Sequence[int] = (1,)
    """Cores to use: for latency those of one run, for throughput texts at once where the batch is 1, else
    the cores of one batch. A CUDA device is timed with the first number only."""
    batches: Sequence[int] = BATCHES
    """Texts in one run. ONNX takes one at a time, as it does when it serves."""
    rounds: int = 5
    """In each round every backend takes its turn on the same texts."""
    calls: int = 40
    """Timed calls of one measurement of latency."""
    seconds: float = 0.3
    """How long one measurement of throughput is meant to take."""


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as the baseline in the same round: median, lowest and highest round."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds from one text to its logits, tokenizer included, over all calls of all rounds."""

    backend: str
    tokens: int
    threads: int
    calls: int
    p50: float
    p95: float
    p99: float
    speedup: Ratio | None
    """By the median of each round; None where the baseline was not timed."""


@dataclass(frozen=True)
class Throughput:
    """Texts a second, tokenizer included: median, lowest and highest round."""

    backend: str
    tokens: int
    threads: int
    batch: int
    texts_per_second: float
    low: float
    high: float
    speedup: Ratio | None
    """Against the baseline's best batch at the same length and threads; None where it was not timed."""


@dataclass(frozen=True)
class Report:
    """What was measured, by threads, then length, then backend."""

    model: str
    baseline: str
    machine: dict[str, Any]
    rounds: int
    notes: list[str]
    latency: list[Latency]
    throughput: list[Throughput]
    differences: dict[str, float]
    """The largest difference of any sigmoid(logit) to the baseline's, over the texts timed."""


def benchmark(directory: str | Path, plan: Plan, progress: Progress | None = None) -> Report:
    """Time the backends of the plan on one model version, on made-up texts of exact lengths.

    Raises ModelNotFound or ModelDamaged; DataError for a length that is not one window of this model;
    BackendUnavailable for a backend that was asked for and does not run here.
    """
    manifest = Manifest.load(directory)
    encoder = WindowEncoder.of(directory, manifest)
    texts = {tokens: texts_of_length(encoder, tokens) for tokens in plan.lengths}
    names, notes = runnable()
    notes += _noise()
    names = list(dict.fromkeys(plan.backends)) or names
    opened = {name: open_backend(name, directory, sorted({1, *plan.threads})) for name in names}
    watch = Stopwatch(opened, encoder, texts, calls=plan.calls, seconds=plan.seconds)
    single = list(_cells(plan, names, batches=(1,)))
    many = list(_cells(plan, names, plan.batches))
    step = _counter(progress, (plan.rounds + 1) * (len(single) + len(many)))
    with torch_threads_kept():
        latency = latencies(in_rounds(single, watch.one_text, plan.rounds, step))
        throughput = throughputs(in_rounds(many, watch.many_texts, plan.rounds, step))
    return Report(
        model=f"{manifest.name}@{manifest.version}",
        baseline=BASELINE,
        machine=_machine(),
        rounds=plan.rounds,
        notes=notes,
        latency=latency,
        throughput=throughput,
        differences=_differences(opened, [ids for some in texts.values() for ids in _ids(encoder, some)]),
    )


def texts_of_length(encoder: WindowEncoder, tokens: int, count: int = TEXTS) -> list[str]:
    """Made-up comments that the encoder reads as one window of ``tokens`` tokens, special tokens included.

    The same ones every time. Raises DataError where it can't be.
    """
    rng = np.random.default_rng(tokens)
    cost = {word: len(encoder.windows(word)[0]) - 2 for word in _WORDS}
    texts = []
    for _ in range(count):
        words: list[str] = []
        while (left := tokens - 2 - sum(cost[word] for word in words)) > 0:
            fitting = [word for word in _WORDS if cost[word] <= left]
            if not fitting:
                break
            words.append(str(rng.choice(fitting)))
        texts.append(" ".join(words))
    if any([len(ids) for ids in encoder.windows(text)] != [tokens] for text in texts):
        raise DataError(
            f"No comment of {tokens} tokens is one window of this model. Give lengths from 3 up to the "
            "max_length of its manifest.json."
        )
    return texts


def _cells(plan: Plan, names: Sequence[str], batches: Sequence[int]) -> Iterator[Cell]:
    for threads in dict.fromkeys(plan.threads):
        for tokens in dict.fromkeys(plan.lengths):
            for name in names:
                if is_on_cuda(name) and threads != plan.threads[0]:
                    continue
                for batch in dict.fromkeys((1,) if name.startswith("onnx") else batches):
                    yield Cell(name, tokens, threads, batch)


def latencies(rounds: Rounds) -> list[Latency]:
    """Make a row of the report for each cell."""
    rows = []
    for cell, found in rounds.items():
        calls = np.concatenate(found) * 1000
        p50, p95, p99 = (float(value) for value in np.percentile(calls, (50, 95, 99)))
        speedup = _speedup(found, rounds.get(Cell(BASELINE, cell.tokens, cell.threads)))
        rows.append(Latency(cell.backend, cell.tokens, cell.threads, len(calls), p50, p95, p99, speedup))
    return rows


def throughputs(rounds: Rounds) -> list[Throughput]:
    """Make a row of the report for each cell."""
    best: dict[tuple[int, int], Cell] = {}
    for cell, found in rounds.items():
        at = (cell.tokens, cell.threads)
        if cell.backend == BASELINE and (at not in best or np.median(found) < np.median(rounds[best[at]])):
            best[at] = cell
    rows = []
    for cell, found in rounds.items():
        rates = 1 / np.concatenate(found)
        baseline = best.get((cell.tokens, cell.threads))
        speedup = _speedup(found, rounds[baseline] if baseline else None)
        figures = float(np.median(rates)), float(rates.min()), float(rates.max())
        rows.append(Throughput(cell.backend, cell.tokens, cell.threads, cell.batch, *figures, speedup))
    return rows


def _speedup(found: Sequence[np.ndarray], baseline: Sequence[np.ndarray] | None) -> Ratio | None:
    if baseline is None:
        return None
    ratios = [float(np.median(b) / np.median(f)) for b, f in zip(baseline, found, strict=True)]
    return Ratio(float(np.median(ratios)), min(ratios), max(ratios))


def _differences(
    opened: Mapping[str, Mapping[int, Backend]], windows: Sequence[np.ndarray]
) -> dict[str, float]:
    if BASELINE not in opened:
        return {}
    scores = {
        name: sigmoid(np.array([by_threads[1].run(ids) for ids in windows]))
        for name, by_threads in opened.items()
    }
    return {name: float(np.abs(found - scores[BASELINE]).max()) for name, found in scores.items()}


def _ids(encoder: WindowEncoder, texts: Sequence[str]) -> list[np.ndarray]:
    return [ids for text in texts for ids in encoder.windows(text)]


def _counter(progress: Progress | None, total: int) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return step


def _noise() -> list[str]:
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load <= BUSY * cores:
        return []
    return [f"this machine was busy before (load {load:.1f} on {cores} cores): trust the ratios alone"]


def _machine() -> dict[str, Any]:
    packages: dict[str, str | None] = {}
    for package in ("onnxruntime", "torch", "transformers"):
        try:
            packages[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            packages[package] = None
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "cuda_device": _cuda_device(),
        "python": platform.python_version(),
        **packages,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _cuda_device() -> str | None:
    torch = sys.modules.get("torch")
    return str(torch.cuda.get_device_name()) if torch is not None and torch.cuda.is_available() else None
