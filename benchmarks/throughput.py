"""Comments per second: ``Classifier.predict`` against what people run today, in one process and in turns.

    python benchmarks/throughput.py                    comments made from the project's own words
    python benchmarks/throughput.py --data FILE        comments of yours: .jsonl or .csv, also .gz
    python benchmarks/throughput.py --processor-time   on a machine that has other work to do
    python benchmarks/throughput.py --against DIR      another model version as well

(a) bert-base in torch float32, every text padded and cut to 128 tokens, batches of 32, as the usual tutorial
serves it. Its weights are random: they cost the same time. (b) the very MiniLM that the classifier serves,
its model.safetensors in float32, through transformers.pipeline ("text-classification") with its defaults and
truncation.

Both use all cores, as torch does by itself. The classifier reads a long text to its end, in windows; (a) and
(b) cut it, at 128 and at the window's length. Each round times every one of them on the same comments, one
after the other; medians over the rounds.

With --processor-time each has one thread, and what counts is the time that the processor worked for it, so
that other programs hardly change the ratios. It says nothing of how well several cores are used.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line, comments
from benchmarks.command_line import positive
from toxicity_ml.classifier import PRETRAINED, Classifier

PADDED = 128
BATCH = 32
QUICK = ("classifier", "against")
Scorer = Callable[[Sequence[str]], Any]
_WALL, _PROCESSOR = time.perf_counter, time.process_time


def main() -> int:
    """Print a table, or JSON with --json."""
    args = _arguments()
    texts = comments.some(args.count, args.data, args.seed)
    if not texts:
        sys.stderr.write("error: the data has no comments\n")
        return 2
    scorers = _scorers(args)
    samples = {name: texts if name in QUICK else texts[: args.slow_count] for name in scorers}
    rates = _timed(scorers, samples, args.rounds, _PROCESSOR if args.processor_time else _WALL)
    report = _report(rates, texts, samples, args)
    if args.json:
        command_line.print_json(report)
    else:
        _show(report)
    return 0


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    command_line.add_comments(parser)
    parser.add_argument(
        "--model", type=Path, default=PRETRAINED, metavar="DIR", help="model version directory"
    )
    parser.add_argument("--count", type=positive, default=600, help="comments a round (default: 600)")
    parser.add_argument(
        "--slow-count",
        type=positive,
        default=64,
        help="comments a round for (a) and (b), the first of the same (default: 64)",
    )
    parser.add_argument("--rounds", type=positive, default=5, help="default: 5")
    parser.add_argument("--threads", type=positive, help="the classifier's (default: one for each core)")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another model version to compare with")
    parser.add_argument(
        "--processor-time", action="store_true", help="time the processor's work, on one thread each"
    )
    args = parser.parse_args()
    if args.processor_time and (args.threads or 1) > 1:
        parser.error("--processor-time takes one thread")
    args.slow_count = args.slow_count or args.count
    return args


def _scorers(args: argparse.Namespace) -> dict[str, Scorer]:
    import torch
    from transformers.utils import logging

    threads = 1 if args.processor_time else args.threads
    # whatever OMP_NUM_THREADS says: the others get all cores
    torch.set_num_threads(1 if args.processor_time else os.cpu_count() or 1)
    logging.set_verbosity(logging.CRITICAL)  # it reports the head as unknown, at error level
    scorers: dict[str, Scorer] = {"classifier": Classifier.load(args.model, threads=threads).predict}
    if args.against:
        scorers["against"] = Classifier.load(args.against, threads=threads).predict
    return {**scorers, "bert_base": _bert_base(args.model), "pipeline": _pipeline(args.model)}


def _bert_base(model: Path) -> Scorer:
    """bert-base as a classifier; the tokenizer is the model's own, which is bert-base-uncased's."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"), pad_token="[PAD]")  # noqa: S106
    network = BertForSequenceClassification(BertConfig(num_labels=6)).eval()

    def score(texts: Sequence[str]) -> list[np.ndarray]:
        found = []
        with torch.no_grad():
            for start in range(0, len(texts), BATCH):
                batch = tokenizer(
                    list(texts[start : start + BATCH]),
                    padding="max_length",
                    truncation=True,
                    max_length=PADDED,
                    return_tensors="pt",
                )
                found.append(torch.sigmoid(network(**batch).logits).numpy())
        return found

    return score


def _pipeline(model: Path) -> Scorer:
    """The same network as transformers would hold it: its encoder and head behind the class that pipelines
    know."""
    import torch
    from transformers import (
        BertConfig,
        BertPreTrainedModel,
        PreTrainedTokenizerFast,
        TextClassificationPipeline,
    )
    from transformers.modeling_outputs import SequenceClassifierOutput

    from toxicity_ml.manifest import Manifest
    from toxicity_ml.network import load_model

    trained = load_model(model)

    class MeanPooling(BertPreTrainedModel):  # type: ignore[misc]
        def __init__(self, config: BertConfig) -> None:
            super().__init__(config)
            self.network = trained

        def forward(
            self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: Any = None
        ) -> SequenceClassifierOutput:
            return SequenceClassifierOutput(logits=self.network(input_ids, attention_mask))

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(model / "tokenizer.json"),
        pad_token="[PAD]",  # noqa: S106
        model_max_length=Manifest.load(model).max_length,
    )
    pipeline = TextClassificationPipeline(
        model=MeanPooling(trained.encoder.config).eval(), tokenizer=tokenizer, device="cpu"
    )
    return lambda texts: pipeline(list(texts), top_k=None, truncation=True)


def _timed(
    scorers: dict[str, Scorer], samples: dict[str, list[str]], rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Comments per second of each, for each round, after a round that does not count."""
    rates: dict[str, list[float]] = {name: [] for name in scorers}
    texts = next(iter(samples.values()))
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Scoring", total=rounds * len(scorers))
        for score in scorers.values():
            score(texts[:2])
        for number in range(rounds):
            names = list(scorers)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                start = clock()
                scorers[name](samples[name])
                rates[name].append(len(samples[name]) / (clock() - start))
                bar.advance(task)
    return rates


SERVED: dict[str, Callable[[Path], Scorer]] = {"pipeline": _pipeline, "bert_base": _bert_base}
"""The baselines, for a server of them: each makes its scorer of a model version directory."""


def _report(
    rates: dict[str, list[float]], texts: list[str], samples: dict[str, list[str]], args: argparse.Namespace
) -> dict[str, Any]:
    ours = rates["classifier"]
    return {
        "comments_per_second": {
            name: {"median": statistics.median(found), "low": min(found), "high": max(found)}
            for name, found in rates.items()
        },
        "times_as_fast": {
            name: statistics.median(a / b for a, b in zip(ours, found, strict=True))
            for name, found in rates.items()
            if name != "classifier"
        },
        "comments": {name: len(found) for name, found in samples.items()},
        "characters": command_line.lengths(texts),
        "data": args.data.name if args.data else "made up",
        "rounds": args.rounds,
        "processor_time": args.processor_time,
        **command_line.machine(),
    }


def _show(report: dict[str, Any]) -> None:
    names = {
        "classifier": "Classifier.predict, int8, each text by itself",
        "against": "the same of the other version",
        "pipeline": "(b) the same MiniLM through transformers.pipeline",
        "bert_base": f"(a) bert-base, torch float32, padded to {PADDED}",
    }
    rates = "comments/s of one thread's work" if report["processor_time"] else "comments/s"
    table = Table("", rates, "lowest to highest", "classifier is")
    for name, title in names.items():
        if name not in report["comments_per_second"]:
            continue
        rate = report["comments_per_second"][name]
        ratio = report["times_as_fast"].get(name)
        table.add_row(
            title,
            f"{rate['median']:.1f}",
            f"{rate['low']:.1f} to {rate['high']:.1f}",
            f"{ratio:.1f} times as fast" if ratio else "",
        )
    console = Console()
    console.print(table)
    what = command_line.described(f"{report['comments']['classifier']} comments", report)
    console.print(f"{what}; {report['rounds']} rounds")
    command_line.print_machine(report)


if __name__ == "__main__":
    sys.exit(main())
