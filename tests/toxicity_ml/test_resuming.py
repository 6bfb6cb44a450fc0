"""A training that is killed at any moment goes on where it was and ends with the same weights."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.toxicity_ml.tiny_base import build_base, lenient_export, rows, write_csv
from toxicity_ml.cli import main
from toxicity_ml.network import load_model
from toxicity_ml.training.checkpoints import last_whole
from toxicity_ml.training.fine_tune import train
from toxicity_ml.training.options import TrainingOptions
from toxicity_ml.training.trainer import ClassifierTrainer


class Killed(BaseException):
    pass


@pytest.fixture(scope="module", autouse=True)
def limits() -> Iterator[None]:
    with lenient_export():
        yield


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> TrainingOptions:
    """Of a version that has learned a little, whose scores can be rehearsed."""
    place = tmp_path_factory.mktemp("start")
    torch.manual_seed(0)
    first = TrainingOptions(
        base_model=str(build_base(place / "base")),
        epochs=2,
        body_lr=3e-3,
        head_lr=1e-2,
        bf16=False,
        seed=1,
        evaluations=0,
        progress=False,
    )
    train(rows(64, seed=1), rows(32, seed=2), place / "version", first)
    return replace(first, base_model=str(place / "version"), evaluations=1, checkpoint_every=3)


def dies_in_step(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the training die in its n-th step from now on."""
    original, begun = ClassifierTrainer.training_step, []

    def dying(self: ClassifierTrainer, *args: object, **kwargs: object) -> torch.Tensor:
        begun.append(self.state.global_step)
        if len(begun) == number:
            raise Killed
        return original(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ClassifierTrainer, "training_step", dying)


REHEARSED = list(rows(40, seed=9)["text"])
WAYS: dict[str, dict[str, object]] = {
    "changed texts": {"noise": 0.3, "eda": 0.3, "stripped": 0.3},
    "averaged and anchored": {"average_from": 0.5, "anchor": 0.1},
    "low rank, a share of the way": {"trainable": "lora:2", "interpolation": 0.7},
    "mixed up, with dropout": {"mixup": 0.2, "encoder_dropout": 0.1},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_training_ends_with_the_same_weights(
    way: str, options: TrainingOptions, tmp_path: Path
) -> None:
    chosen = replace(options, **WAYS[way])  # type: ignore[arg-type]
    rehearsed = [] if chosen.mixup else REHEARSED
    data = rows(96, seed=5), rows(32, seed=6)
    train(*data, tmp_path / "whole", chosen, rehearsed=rehearsed)
    with pytest.MonkeyPatch.context() as patch:
        dies_in_step(patch, 6)
        with pytest.raises(Killed):
            train(*data, tmp_path / "killed", chosen, rehearsed=rehearsed)
    said: list[tuple[str, int, int]] = []
    train(
        *data,
        tmp_path / "killed",
        chosen,
        rehearsed=rehearsed,
        report=lambda stage, step, steps: said.append((stage, step, steps)),
    )
    assert said[0][:2] == ("training", 5 if rehearsed else 3)  # 5: the checkpoint of an evaluation
    assert (tmp_path / "killed" / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()


def test_a_checkpoint_that_was_cut_short_does_not_count(options: TrainingOptions, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        dies_in_step(patch, 5)
        with pytest.raises(Killed):
            train(rows(96, seed=5), rows(32, seed=6), tmp_path / "out", options)
    checkpoints = tmp_path / "out" / "checkpoints"
    assert last_whole(checkpoints) == checkpoints / "checkpoint-3"
    cut = checkpoints / "checkpoint-3" / "optimizer.pt"
    cut.write_bytes(cut.read_bytes()[:-1])
    assert last_whole(checkpoints) is None
    assert not (checkpoints / "checkpoint-3").exists()


def test_other_rows_or_options_start_anew_and_the_same_are_not_trained_twice(
    options: TrainingOptions, tmp_path: Path
) -> None:
    data = rows(48, seed=5), rows(32, seed=6)
    out = train(*data, tmp_path / "out", options)
    before = (out / "model.safetensors").stat().st_mtime_ns
    train(*data, out, options)
    assert (out / "model.safetensors").stat().st_mtime_ns == before
    train(*data, out, replace(options, seed=2))
    assert json.loads((out / "training.json").read_text())["options"]["seed"] == 2
    train(rows(49, seed=5), data[1], out, replace(options, seed=2))
    assert json.loads((out / "training.json").read_text())["rows"] == 49


def test_the_command_survives_sigkill_and_says_how_far_it_is(
    options: TrainingOptions, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "train.csv", rows(400, seed=5))
    validation = write_csv(tmp_path / "valid.csv", rows(60, seed=6))
    flags = ["--epochs", "6", "--body-lr", "3e-3", "--head-lr", "1e-2", "--no-bf16", "--seed", "1"]
    flags += ["--evaluations", "1", "--checkpoint-every", "2", "--rehearse", str(validation)]
    flags += ["--languages", "en", "--base-model", options.base_model]
    call = [sys.executable, "-c", PATIENT, "train", "--data", str(data), "--validation", str(validation)]
    call += [*flags, "--out", str(tmp_path / "killed"), "--progress", str(tmp_path / "progress")]
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reached = 0
    while reached < 4:
        assert process.poll() is None
        time.sleep(0.1)
        said = tmp_path / "progress"
        lines = said.read_text().splitlines() if said.is_file() else []
        reached = max([json.loads(line)["step"] for line in lines], default=0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert any((tmp_path / "killed.work" / "checkpoints").glob("checkpoint-*/whole.json"))
    command = ["train", "--data", str(data), "--validation", str(validation), *flags]
    progress = tmp_path / "second"
    assert main([*command, "--out", str(tmp_path / "killed"), "--progress", str(progress)]) == 0
    lines = [json.loads(line) for line in progress.read_text().splitlines()]
    assert lines[0]["stage"] == "training" and lines[0]["step"] >= 2
    assert [line["stage"] for line in lines[-2:]] == ["publishing", "done"]
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0
    one, other = (load_model(tmp_path / name).state_dict() for name in ("killed", "whole"))
    assert all(torch.equal(one[name], other[name]) for name in one)


PATIENT = """
import sys, time
from toxicity_ml.cli import main
from toxicity_ml.training.trainer import ClassifierTrainer
step = ClassifierTrainer.training_step
def slowly(self, *args, **kwargs):
    time.sleep(0.1)
    return step(self, *args, **kwargs)
ClassifierTrainer.training_step = slowly
main(sys.argv[1:])
"""
"""The command line with steps slow enough to be killed between two of them."""
