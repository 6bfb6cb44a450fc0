"""The whole chain from data to a published version runs to its end, on made-up rows and a tiny network."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from experiments import fit, mixture, run, steps
from experiments.networks import logits_of
from experiments.places import load_arrays, save_arrays
from toxicity_ml.manifest import Manifest
from toxicity_ml.network import saved_symbols_in_words
from toxicity_ml.publishing.threshold_sets import BETAS

TRY = ("--version", "2", "--name", "tiny", "--scale", "0.02", "--draws", "1", "--epochs", "1")


def test_one_command_makes_a_measured_version_and_goes_on_where_it_was(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "made"
    command = ["--runs", str(runs), "--start", str(tiny_version), *TRY, "--seeds", "20"]
    run.main(command)
    made = Manifest.load(runs / "versions" / "tiny@2")
    made.verify(runs / "versions" / "tiny@2")
    assert made.symbols_in_words and set(made.threshold_sets) == set(BETAS)
    assert made.training["validation"].startswith("half Wikipedia")
    table = (runs / "finished_tiny@2_test.md").read_text()
    assert "| aim | shipped | tiny@2 |" in table and "kind veiled: right" in table
    finished = json.loads((runs / "finished_tiny@2_valid.json").read_text())
    assert set(finished["tiny@2"]["against shipped"]) >= {"kinds right", "auc civil_comments"}
    capsys.readouterr()
    before = (runs / "student" / "model.safetensors").stat().st_mtime_ns
    run.main(command)
    assert capsys.readouterr().out.count("done before") == 6
    assert (runs / "student" / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(SystemExit, match="other options"):
        run.main([*command, "--rows", "50"])


def test_students_learn_from_teachers_of_the_other_half(tiny_version: Path, tmp_path: Path) -> None:
    start, made = str(tiny_version), tmp_path / "made"
    made.mkdir()
    given = ["--runs", str(made), "--recipe", "distilled", "--encoder", start, "--start", start]
    chain = {step.name: step for step in run.steps(run.parser().parse_args([*given, *TRY, "--seeds", "20"]))}
    names = list(chain)
    steps.take(chain[name] for name in names[1 : names.index("average the students")])
    plain, taught = (load_arrays(made / f"{name}-0.npz") for name in ("mixture", "taught"))
    own = np.char.startswith(plain["source"], "own")
    assert np.array_equal(plain["targets"][own], taught["targets"][own])
    assert not np.isclose(plain["targets"][~own], taught["targets"][~own]).all(axis=1).any()
    assert (made / "student-20" / "model.safetensors").exists()


def test_a_training_that_is_told_to_stop_goes_on_from_its_checkpoint(
    tiny_version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, out = tmp_path / "rows.npz", tmp_path / "student"
    mixture.main(["--scale", "0.02", "--draws", "1", "--rehearse", "0", "--out", str(rows)])
    command = ["--rows", str(rows), "--base", str(tiny_version), "--out", str(out), "--stop-at", "6"]
    waits = iter(range(100))

    def stop_at_the_third() -> None:
        if next(waits) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(fit, "wait_while_held", stop_at_the_third)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stopped:
        fit.main(command)
    assert stopped.value.code == fit.STOPPED and signal.getsignal(signal.SIGTERM) == before
    assert (out / "checkpoint.pt").exists() and not (out / "model.safetensors").exists()
    fit.main(command)
    assert saved_symbols_in_words(out) and not (out / "checkpoint.pt").exists()
    assert json.loads((out / "training.json").read_text())["history"][-1][0] == 6


def test_held_logits_are_not_unlearned(tiny_version: Path, tmp_path: Path) -> None:
    """The same rows with labels turned round: the student whose logits are held stays nearer to the start."""
    rows = {
        "text": np.array([f"you are a idiot {number}" for number in range(64)]),
        "targets": np.zeros((64, 6), dtype=np.float32),
        "weights": np.ones((64, 6), dtype=np.float32),
        "source": np.array(["jigsaw"] * 64),
        "held": np.array([[9, -9, -9, -9, 9, -9]] * 64, dtype=np.float16),
    }
    save_arrays(tmp_path / "rows.npz", rows)
    losses = {}
    for hold in ("0", "1"):
        given = ["--rows", *[str(tmp_path / "rows.npz")] * 4, "--base", str(tiny_version), "--lr", "1e-3"]
        out = tmp_path / f"held-{hold}"
        fit.main([*given, "--hold", hold, "--out", str(out)])
        losses[hold] = float(logits_of(out, rows["text"].tolist())[:, 0].mean())
    assert losses["0"] < losses["1"]
