"""Fine-tunes a classifier on rows with soft targets and a weight for each label; goes on after a kill.

    python experiments/fit.py --rows ROWS.npz [ROWS.npz ...] --base DIR --out DIR [options]

Each file is one epoch, as mixture.py writes it. A checkpoint is written every --every seconds and on SIGTERM,
and the same command goes on from it. Where there is a GPU the training runs there. DIR gets config.json,
model.safetensors, tokenizer.json and training.json. The exit code is 75 where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments import holding
from experiments.networks import device, encode, pad_of, padded
from experiments.places import load_arrays, wait_while_held
from experiments.rows import LABELS
from toxicity_ml.network import MeanPoolingClassifier, load_model, load_tokenizer, new_model, save_model
from toxicity_ml.training.options import TrainingOptions
from toxicity_ml.training.tunable import parameter_groups

STOPPED = 75
"""Exit code of a training that was stopped and goes on when it is started again."""
TOLD_EVERY_STEPS = 50
POOL_BATCHES = 64
"""Rows are sorted by length within this many batches: little is padded, and batches stay mixed."""


class Batch(NamedTuple):
    """Rows of one step."""

    ids: list[list[int]]
    targets: torch.Tensor
    weights: torch.Tensor
    """What each label weighs, (n, n_labels)."""
    logits: torch.Tensor
    """The starting version's."""
    hold: torch.Tensor
    """What the squared distance to them weighs, (n, n_labels)."""


class Epoch:
    """One file's rows, tokenised, in batches of like length whose order is drawn from a seed."""

    def __init__(self, file: str, tokenizer: Tokenizer, options: argparse.Namespace, seed: int) -> None:
        data = load_arrays(file)
        self._targets = data["targets"].astype(np.float32)
        self._weights = data["weights"].astype(np.float32)
        self._logits = data["held"].astype(np.float32) if options.hold else np.zeros_like(self._targets)
        self._hold = np.zeros_like(self._targets)
        if options.hold:
            self._weights, self._hold = holding.held(
                data["source"], self._targets, self._weights, self._logits, options
            )
        self.mean_weight = float(self._weights.sum(1).mean())
        self.pad = pad_of(tokenizer)
        texts = data["text"].tolist()
        self._ids = encode(texts, tokenizer, options.max_length, in_words=bool(options.words))
        lengths = np.array([len(found) for found in self._ids])
        self._batches = _of_like_length(lengths, options.batch, np.random.default_rng(seed))
        print(
            f"{file}: {len(lengths)} rows, {len(self._batches)} batches, {lengths.mean():.1f} tokens a row",
            flush=True,
        )

    def batch(self, number: int) -> Batch:
        """Return the rows of one step."""
        chosen = self._batches[number]
        arrays = (self._targets, self._weights, self._logits, self._hold)
        return Batch([self._ids[row] for row in chosen], *(torch.tensor(array[chosen]) for array in arrays))


def _of_like_length(lengths: np.ndarray, size: int, chance: np.random.Generator) -> list[np.ndarray]:
    order = chance.permutation(len(lengths))
    batches: list[np.ndarray] = []
    for start in range(0, len(order), size * POOL_BATCHES):
        pool = order[start : start + size * POOL_BATCHES]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[place : place + size] for place in range(0, len(pool), size)]
    return [batches[place] for place in chance.permutation(len(batches))]


class Training:
    """A network on its way through the epochs."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.out, self.device = options, Path(options.out), device()
        self.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(options.seed)
        self.model, self.tokenizer = starting_point(options, self.device)
        self.model.to(self.device).train()
        self.optimizer = _optimizer(self.model, options)
        self.sizes = [len(load_arrays(file)["weights"]) for file in options.rows]
        self.steps = [-(-size // options.batch) for size in self.sizes]
        self.total = min(sum(self.steps), options.stop_at or sum(self.steps))
        self.step = 0
        self.history: list[list[float]] = []
        self._checkpoint = self.out / "checkpoint.pt"
        self._epoch: Epoch | None = None
        self._epoch_number = -1
        if self._checkpoint.exists():
            self._restore()

    def run(self, stop: Stop) -> bool:
        """Take the steps that are left. Return True when there is none; False where it was asked to stop."""
        saved = began = time.time()
        first, loss, count = self.step, 0.0, 0
        while self.step < self.total and not stop.is_asked:
            wait_while_held()
            loss += self._take_step()
            count += 1
            if self.step % TOLD_EVERY_STEPS == 0 or self.step == self.total:
                self._tell(loss / count, (time.time() - began) / (self.step - first))
                loss, count = 0.0, 0
            if time.time() - saved > self.options.every:
                self._save()
                saved = time.time()
        if self.step < self.total:
            self._save()
        return bool(self.step == self.total)

    def finish(self) -> None:
        """Write the network and how it was made, and drop the checkpoint."""
        self.model.encoder.config.symbols_in_words = bool(self.options.words)  # type: ignore[union-attr]
        save_model(self.model.float().cpu(), self.tokenizer, self.out)
        options = vars(self.options) | {
            "rows": [Path(file).name for file in self.options.rows],
            "base": Path(self.options.base).name,
            "out": self.out.name,
        }  # a version's manifest tells them, and says nothing of the machine
        made = {"options": options, "rows": self.sizes, "history": self.history}
        (self.out / "training.json").write_text(json.dumps(made, indent=1), encoding="utf-8")
        self._checkpoint.unlink(missing_ok=True)

    def _take_step(self) -> float:
        batch, epoch = self._batch()
        tokens, mask = padded(batch.ids, epoch.pad)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial"] * max(self._rate(), self.options.floor)
        with torch.autocast(self.device, dtype=torch.bfloat16):
            logits = self.model(input_ids=tokens.to(self.device), attention_mask=mask.to(self.device))
        loss = self._loss(logits, batch, epoch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return float(loss.detach())

    def _loss(self, logits: torch.Tensor, batch: Batch, epoch: Epoch) -> torch.Tensor:
        """Return the weighted cross entropy, and beside it the distance to the logits that are held.

        It is divided by what the batch weighs and, in equal parts, by what a batch weighs in the mean: by the
        first alone a batch of few known labels would count as much as one of many. logits: bfloat16.
        """
        targets, weights = batch.targets.to(self.device), batch.weights.to(self.device)
        losses = functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
        rows = len(batch.ids)
        loss = (losses * weights).sum() / (weights.sum().detach() * 0.5 + epoch.mean_weight * 0.5 * rows)
        if self.options.hold:
            distance = (logits.float() - batch.logits.to(self.device)) ** 2 * batch.hold.to(self.device)
            loss = loss + distance.sum() / (len(LABELS) * rows)
        return loss

    def _batch(self) -> tuple[Batch, Epoch]:
        at, number = self.step, 0
        while at >= self.steps[number]:
            at -= self.steps[number]
            number += 1
        if self._epoch is None or number != self._epoch_number:
            seed = self.options.seed * 100 + number
            self._epoch = Epoch(self.options.rows[number], self.tokenizer, self.options, seed)
            self._epoch_number = number
        return self._epoch.batch(at), self._epoch

    def _rate(self) -> float:
        """Return the share of the learning rate at this step: up over the warm-up, down to 0 at the end."""
        warmup = self.total * self.options.warmup
        if self.step < warmup:
            return float(self.step / max(1, warmup))
        return float((self.total - self.step) / (self.total * (1 - self.options.warmup)))

    def _tell(self, loss: float, pace: float) -> None:
        self.history.append([self.step, round(loss, 4)])
        left = (self.total - self.step) * pace / 60
        print(
            f"{time.strftime('%H:%M:%S')} step {self.step}/{self.total} loss {loss:.4f} {pace:.2f} s/step, "
            f"left {left:.0f} min",
            flush=True,
        )

    def _save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "history": self.history,
        }
        part = self._checkpoint.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self._checkpoint)
        print(f"{time.strftime('%H:%M:%S')} checkpoint at step {self.step}", flush=True)

    def _restore(self) -> None:
        state: dict[str, Any] = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.history = state["step"], state["history"]
        print(f"goes on at step {self.step} of {self.total}", flush=True)


class Stop:
    """Remembers whether somebody asked to stop."""

    is_asked = False

    def ask(self, *_: object) -> None:
        self.is_asked = True


@contextmanager
def _stop_on_sigterm() -> Iterator[Stop]:
    stop = Stop()
    before = signal.signal(signal.SIGTERM, stop.ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)


def starting_point(options: argparse.Namespace, where: str) -> tuple[MeanPoolingClassifier, Tokenizer]:
    """Return the network to train and its tokenizer: a classifier's, or a fresh head on an encoder."""
    attention = "sdpa" if where == "cuda" else "eager"
    if is_classifier(Path(options.base)):
        model = load_model(options.base, attention, encoder_dropout=0.0)
        tokenizer = load_tokenizer(options.base)
    else:
        model, tokenizer = new_model(options.base, LABELS, 0.1, encoder_dropout=0.0, attention=attention)
    if options.layers:
        keep_layers(model, [int(layer) for layer in options.layers.split(",")])
    return model, tokenizer


def is_classifier(directory: Path) -> bool:
    """True for what `save_model` wrote; False for an encoder without a head."""
    config = directory / "config.json"
    return config.is_file() and "classifier_pooling" in json.loads(config.read_text(encoding="utf-8"))


def keep_layers(model: MeanPoolingClassifier, kept: Sequence[int]) -> None:
    """Cut the encoder to these layers, counted from 0."""
    encoder: Any = model.encoder
    encoder.encoder.layer = torch.nn.ModuleList([encoder.encoder.layer[number] for number in kept])
    encoder.config.num_hidden_layers = len(kept)


def _optimizer(model: MeanPoolingClassifier, options: argparse.Namespace) -> torch.optim.AdamW:
    rates = TrainingOptions(body_lr=options.lr, head_lr=options.head_lr, layer_decay=options.layer_decay)
    groups = parameter_groups(model, rates)
    for group in groups:
        group["initial"] = group["lr"]
    return torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, fused=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and write the network; where it is stopped, write a checkpoint and exit with STOPPED."""
    training = Training(_parser().parse_args(arguments))
    with _stop_on_sigterm() as stop:
        is_done = training.run(stop)
    if not is_done:
        print(f"stopped at step {training.step}; the same command goes on", flush=True)
        raise SystemExit(STOPPED)
    training.finish()
    print("done", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", required=True)
    parser.add_argument("--base", required=True, help="a saved classifier, or an encoder")
    parser.add_argument("--out", required=True)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--max-length", type=int, default=128, help="tokens of a text")
    parser.add_argument("--lr", type=float, default=5e-5, help="of the last layer of the encoder")
    parser.add_argument("--head-lr", type=float, default=1e-3)
    parser.add_argument("--layer-decay", type=float, default=0.85, help="from layer to layer, downwards")
    parser.add_argument("--warmup", type=float, default=0.06, help="share of the steps")
    parser.add_argument("--floor", type=float, default=0.0, help="least share of the learning rate")
    parser.add_argument("--every", type=float, default=480, help="seconds between two checkpoints")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--words", type=int, default=1, help="1: put symbols into words, 0: don't")
    parser.add_argument("--layers", default="", help="keep these layers of the encoder, counted from 0")
    parser.add_argument("--stop-at", type=int, default=0, help="take no more steps than this")
    holding.add_arguments(parser)
    return parser


if __name__ == "__main__":
    main()
