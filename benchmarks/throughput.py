"""Comments per second: ``Classifier.predict`` against what people run today, in one process and in turns.

    python benchmarks/throughput.py                    comments made from the project's own words
    python benchmarks/throughput.py --data FILE        comments of yours: .jsonl or .csv, also .gz

(a) bert-base in torch float32, every text padded and cut to 128 tokens, batches of 32, as the usual tutorial
serves it. Its weights are random: they cost the same time. (b) the very MiniLM that the classifier serves,
its model.safetensors in float32, through transformers.pipeline ("text-classification") with its defaults and
truncation.

Both use all cores, as torch does by itself. The classifier reads a long text to its end, in windows; (a) and
(b) cut it, at 128 and at the window's length. Each round times every one of them on the same comments, one
after the other; medians over the rounds.
"""

import argparse
import csv
import gzip
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from toxicity_ml.classifier import PRETRAINED, Classifier

PADDED = 128
BATCH = 32
MEDIAN_CHARACTERS, SPREAD = 198, 1.08
"""Lengths of made-up comments: log-normal with this median and this standard deviation of the logarithm, from
5 to 5,000 characters, as 1,922 consecutive Wikipedia talk-page comments have. A site whose comments are
shorter or longer will see other figures."""
Scorer = Callable[[Sequence[str]], Any]


def main() -> int:
    """Print a table, or JSON with --json."""
    args = _arguments()
    rng = np.random.default_rng(args.seed)
    texts = _read(args.data) if args.data else _made_up(args.count, rng)
    texts = [texts[int(index)] for index in rng.permutation(len(texts))[: args.count]]
    if not texts:
        sys.stderr.write("error: the data has no comments\n")
        return 2
    scorers = _scorers(args.model, args.threads)
    samples = {name: texts if name == "classifier" else texts[: args.slow_count] for name in scorers}
    rates = _timed(scorers, samples, args.rounds)
    report = _report(rates, texts, samples, args)
    if args.json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        _show(report)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, metavar="FILE", help='with a "text" or "comment_text" key or column'
    )
    parser.add_argument(
        "--model", type=Path, default=PRETRAINED, metavar="DIR", help="model version directory"
    )
    parser.add_argument("--count", type=_positive, default=600, help="comments a round (default: 600)")
    parser.add_argument(
        "--slow-count",
        type=_positive,
        default=64,
        help="comments a round for (a) and (b), the first of the same (default: 64)",
    )
    parser.add_argument("--rounds", type=_positive, default=5, help="default: 5")
    parser.add_argument("--threads", type=_positive, help="the classifier's (default: one for each core)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.slow_count = args.slow_count or args.count
    return args


def _scorers(model: Path, threads: int | None) -> dict[str, Scorer]:
    import torch
    from transformers.utils import logging

    torch.set_num_threads(os.cpu_count() or 1)  # whatever OMP_NUM_THREADS says: the others get all cores
    logging.set_verbosity(logging.CRITICAL)  # it reports the head as unknown, at error level
    classifier = Classifier.load(model, threads=threads)
    return {"classifier": classifier.predict, "bert_base": _bert_base(model), "pipeline": _pipeline(model)}


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
    from toxicity_ml.modeling import load_model

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


def _timed(scorers: dict[str, Scorer], samples: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
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
                start = time.perf_counter()
                scorers[name](samples[name])
                rates[name].append(len(samples[name]) / (time.perf_counter() - start))
                bar.advance(task)
    return rates


def _report(
    rates: dict[str, list[float]], texts: list[str], samples: dict[str, list[str]], args: argparse.Namespace
) -> dict[str, Any]:
    ours = rates["classifier"]
    lengths = [len(text) for text in texts]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
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
        "characters": {
            "median": statistics.median(lengths),
            "mean": statistics.mean(lengths),
            "max": max(lengths),
        },
        "data": args.data.name if args.data else "made up",
        "rounds": args.rounds,
        "cores": os.cpu_count(),
        "processor": _processor(),
        "load_average": load,
    }


def _show(report: dict[str, Any]) -> None:
    names = {
        "classifier": "Classifier.predict, int8, each text by itself",
        "pipeline": "(b) the same MiniLM through transformers.pipeline",
        "bert_base": f"(a) bert-base, torch float32, padded to {PADDED}",
    }
    table = Table("", "comments/s", "lowest to highest", "classifier is")
    for name, title in names.items():
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
    characters, load = report["characters"], report["load_average"]
    console.print(
        f"{report['comments']['classifier']} comments ({report['data']}), characters: median "
        f"{characters['median']:.0f}, mean {characters['mean']:.0f}; {report['rounds']} rounds; "
        f"{report['cores']} cores, {report['processor']}"
    )
    if load is not None:
        console.print(
            f"Load average at the end: {load:.1f} (much over the cores: others were computing too)."
        )


def _made_up(count: int, rng: np.random.Generator) -> list[str]:
    """Comments of realistic lengths from the sentences of the project's own documents and docstrings."""
    root = Path(__file__).resolve().parent.parent
    files = sorted([*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("toxicity_ml/*.py")])
    words = " ".join(file.read_text(encoding="utf-8") for file in files).split()
    words = [word for word in words if word.isascii() and word.strip(".,;:!?'\"()").isalpha()]
    texts = []
    for wanted in np.clip(rng.lognormal(np.log(MEDIAN_CHARACTERS), SPREAD, count), 5, 5000).astype(int):
        start = int(rng.integers(0, len(words)))
        chosen = [words[(start + offset) % len(words)] for offset in range(int(wanted) // 2 + 1)]
        texts.append(" ".join(chosen)[:wanted])
    return texts


def _read(path: Path) -> list[str]:
    csv.field_size_limit(2**30)
    with _opened(path) as file:
        is_csv = ".csv" in path.suffixes
        rows: list[dict[str, Any]] = (
            list(csv.DictReader(file)) if is_csv else [json.loads(line) for line in file]
        )
    return [row["text"] if "text" in row else row["comment_text"] for row in rows]


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
