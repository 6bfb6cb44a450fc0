"""Recipes compared on the same rows: who wins, what is kept, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.toxicity_ml.tiny_base import build_base, rows, write_csv
from toxicity_ml.cli import main
from toxicity_ml.errors import DataError
from toxicity_ml.recipes.comparison import Arm, as_single_label
from toxicity_ml.training.options import TrainingOptions


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """``compare`` with everything but its arms."""
    place = tmp_path_factory.mktemp("compare")
    torch.manual_seed(0)
    base = build_base(place / "base")
    common = f"base_model={base},bf16=false,evaluations=0,epochs=3,body_lr=3e-3,head_lr=1e-2"
    return [
        "compare",
        *("--data", str(write_csv(place / "train.csv", rows(400, seed=1)))),
        *("--validation", str(write_csv(place / "valid.csv", rows(240, seed=2)))),
        *("--set", common, "--out", str(place / "kept"), "--resamples", "100"),
    ]


def test_a_recipe_that_learns_beats_one_that_hardly_moves(
    call: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = [
        "--arm",
        "slow:body_lr=1e-9,head_lr=1e-9",
        "--arm",
        "quick",
        "--arm",
        "same:body_lr=1e-9,head_lr=1e-9",
    ]
    plot = tmp_path / "plot.png"
    assert main([*call, *arms, "--plot", str(plot), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    slow, quick, same = report["arms"]
    assert slow["finding"] == "baseline" and quick["finding"] == "better"
    assert same["finding"] == "no difference shown" and same["difference"]["mean"]["value"] == 0
    assert quick["difference"]["mean"]["low"] > 0
    assert quick["average_precision"]["insult"]["value"] > 0.7
    assert quick["average_precision"]["identity_hate"] is None  # no positive among the rows
    assert quick["changes"] == "body_lr=0.003, head_lr=0.01"
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_finished_trainings_are_kept_and_others_are_made(
    call: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    place = Path(call[call.index("--out") + 1])
    assert main([*call, "--arm", "quick", "--json"]) == 0
    before = {file.name: file.stat().st_mtime_ns for file in place.iterdir()}
    assert main([*call, "--arm", "quick", "--arm", "floor:kind=tf-idf"]) == 0
    after = {file.name: file.stat().st_mtime_ns for file in place.iterdir()}
    assert before.items() <= after.items()
    assert {name.split("-")[0] for name in after.keys() - before.keys()} == {"floor"}
    assert "floor" in capsys.readouterr().out


def test_one_class_a_row_is_compared_with_several_labels(
    call: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    single = "single:task=single_label,loss=cross_entropy,class_weights=none,epochs=8"
    assert main([*call, "--arm", "quick", "--arm", single, "--seeds", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["seeds"] == 2
    assert report["arms"][1]["average_precision"]["insult"]["value"] > 0.5


def test_the_rarest_label_becomes_the_class_and_classes_give_labels_back() -> None:
    targets = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 0, 0]], dtype=float)
    one_hot, shares = as_single_label(targets)
    assert one_hot.argmax(axis=1).tolist() == [2, 1, 1, 0, 3, 0]
    assert shares[0].tolist() == [0, 0, 0]  # clear
    assert shares[2].tolist() == [1, 1, 0]  # who has the second label has the first
    assert shares[3].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:speed=2", "speed=2"),
        ("a:epochs=many", "epochs=many"),
        ("a:kind=magic", "no recipe"),
        (":epochs=1", "no recipe"),
        ("a:noise=3", "from 0 to 1"),
    ],
)
def test_a_recipe_that_cannot_be_is_named(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Arm.parse(text, TrainingOptions())


def test_values_of_a_recipe_have_the_types_of_the_options() -> None:
    arm = Arm.parse(
        "a:pooling=mean:1+2,epochs=2,batch_size=8,bf16=none,alpha=0.25,rows=10", TrainingOptions()
    )
    assert arm.options.pooling == "mean:1,2" and arm.options.epochs == 2.0 and arm.options.batch_size == 8
    assert arm.options.bf16 is None and arm.options.alpha == 0.25 and arm.rows == 10
