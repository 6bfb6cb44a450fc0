"""Knows which checkpoints of an interrupted training are whole, and whether they are of this training."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from datasets import Dataset
from transformers import TrainerCallback, TrainerControl, TrainerState
from transformers import TrainingArguments as Arguments

from toxicity_ml.training.options import TrainingOptions

SEAL = "whole.json"
"""Written last into a checkpoint: the size of each of its files."""
FINGERPRINT = "fingerprint.txt"
RECORD = "training.json"
"""Written last into the result."""
_PREFIX = "checkpoint-"
_IRRELEVANT = ("progress", "resume", "checkpoint_every")


def fingerprint(
    training: Dataset, validation: Dataset, rehearsed: Sequence[str], options: TrainingOptions
) -> str:
    """Return the SHA-256 of all that the result depends on: rows, their order, and options."""
    digest = hashlib.sha256()
    chosen = {name: value for name, value in asdict(options).items() if name not in _IRRELEVANT}
    digest.update(json.dumps(chosen, sort_keys=True).encode())
    for rows in (training, validation):
        for row in zip(rows["text"], rows["labels"], rows["weight"], strict=True):
            digest.update(json.dumps(row).encode())
    digest.update(json.dumps(list(rehearsed)).encode())
    return digest.hexdigest()


def make_room(out: Path, expected: str, *, resume: bool) -> None:
    """Empty ``out`` of a training of other rows or options, or of any where resume is False; sign it."""
    signature = out / FINGERPRINT
    if not (resume and signature.is_file() and signature.read_text(encoding="utf-8") == expected):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        signature.write_text(expected, encoding="utf-8")


def last_whole(checkpoints: Path) -> Path | None:
    """Return the newest checkpoint whose files are all there, and delete newer ones that are not whole."""
    found = sorted(checkpoints.glob(f"{_PREFIX}*"), key=_step, reverse=True)
    for checkpoint in found:
        if _is_whole(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint)
    return None


def step_of(checkpoint: Path | None) -> int:
    """Return the number of optimiser steps that a checkpoint has behind it, 0 for none."""
    return _step(checkpoint) if checkpoint else 0


class Sealing(TrainerCallback):
    """Seals each checkpoint when all its files are written. To be the last callback that writes some."""

    def on_save(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        place = Path(str(args.output_dir)) / f"{_PREFIX}{state.global_step}"
        sizes = {file.name: file.stat().st_size for file in place.iterdir() if file.is_file()}
        (place / SEAL).write_text(json.dumps(sizes), encoding="utf-8")


class SavingOften(TrainerCallback):
    """Saves a checkpoint every so many steps, evaluated or not."""

    def __init__(self, every: int) -> None:
        self.every = every

    def on_step_end(
        self, args: Arguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> TrainerControl:
        if state.global_step % self.every == 0:
            control.should_save = True
        return control


def _step(checkpoint: Path) -> int:
    number = checkpoint.name.removeprefix(_PREFIX)
    return int(number) if number.isdigit() else -1


def _is_whole(checkpoint: Path) -> bool:
    try:
        sizes = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
        return all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False
