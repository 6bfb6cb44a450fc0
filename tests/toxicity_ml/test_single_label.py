"""One of several classes, end to end: train, predict, evaluate, go on."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.toxicity_ml.tiny_base import FRIENDLY, build_base, lenient_export
from toxicity_ml.classifier import Classifier
from toxicity_ml.cli import main
from toxicity_ml.errors import DataError
from toxicity_ml.evaluation import fit_temperature, softmax
from toxicity_ml.manifest import Manifest
from toxicity_ml.training.fine_tune import train
from toxicity_ml.training.options import TrainingOptions, single_label

RECIPE = ["--no-bf16", "--body-lr", "3e-3", "--head-lr", "1e-2", "--evaluations", "1"]


def write_sentences(path: Path, count: int, seed: int) -> Path:
    """Sentences as SST-2 has them: negative when *crap* occurs."""
    generator = np.random.default_rng(seed)
    lines = []
    for number in range(count):
        words = [str(word) for word in generator.choice(FRIENDLY, size=5)]
        positive = number % 2
        if not positive:
            words[int(generator.integers(5))] = "crap"
        lines.append(f"{' '.join(words)}\t{positive}\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def limits() -> Iterator[None]:
    """The export's, for networks as tiny as these."""
    with lenient_export():
        yield


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("single")
    torch.manual_seed(0)
    base = build_base(place / "base")
    data = write_sentences(place / "train.tsv", 400, 1)
    validation = write_sentences(place / "dev.tsv", 200, 2)
    call = ["train", "--task", "single_label", "--data", str(data), "--validation", str(validation)]
    out = ["--out", str(place / "sentiment"), "--base-model", str(base), "--epochs", "4", "--json"]
    assert main([*call, *out, *RECIPE]) == 0
    return place / "sentiment"


def test_the_manifest_names_the_task_its_classes_and_its_accuracy(version: Path) -> None:
    manifest = Manifest.load(version)
    assert manifest.task == "single_label" and manifest.labels == ("negative", "positive")
    assert manifest.metrics["validation"]["accuracy"]["value"] > 0.95
    slopes = {entry["slope"] for entry in manifest.calibration.values()}
    assert len(slopes) == 1 and slopes.pop() > 0


def test_predict_gives_probabilities_that_add_up_and_the_likeliest_class(
    version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "texts.txt"
    lines.write_text("this was crap to me\nthanks that was a good answer\n\n", encoding="utf-8")
    assert main(["predict", "--model", str(version), "--plain", str(lines)]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["labels"] for answer in found] == [["negative"], ["positive"], []]
    assert all(sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5) for answer in found)


def test_a_long_text_has_the_mean_of_its_windows(version: Path) -> None:
    classifier = Classifier.load(version)
    good, bad = "thanks that was a good answer " * 40, "crap " * 30
    mixed = classifier.logits([good + bad])[0]
    windows = classifier._encoder.windows(good + bad)
    assert len(windows) > 1
    assert mixed == pytest.approx(
        np.mean([classifier.runner.backend.run(ids) for ids in windows], axis=0), abs=1e-5
    )


def test_evaluate_reports_accuracy_and_writes_a_page(
    version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_sentences(tmp_path / "test.tsv", 120, 3)
    page = tmp_path / "report.html"
    call = ["evaluate", "--model", str(version), "--data", str(data), "--resamples", "50"]
    assert main([*call, "--json", "--report", str(page)]) == 0
    figures = json.loads(capsys.readouterr().out)["parts"]["test.tsv"]["sentiment@1"]
    assert figures["accuracy"]["value"] > 0.95
    assert figures["accuracy"]["low"] <= figures["accuracy"]["value"]
    assert "negative" in page.read_text(encoding="utf-8")


def test_training_goes_on_from_a_version_in_its_own_task(version: Path, tmp_path: Path) -> None:
    data = write_sentences(tmp_path / "more.tsv", 60, 4)
    call = ["train", "--task", "single_label", "--base-model", str(version), "--data", str(data)]
    assert main([*call, "--out", str(tmp_path / "child"), "--epochs", "1", *RECIPE]) == 0
    assert Manifest.load(tmp_path / "child").task == "single_label"
    wrong = TrainingOptions(base_model=str(version), labels=("negative", "positive"), progress=False)
    from toxicity_ml import corpora

    rows = corpora.load([data], ("negative", "positive"), "single_label")
    with pytest.raises(DataError, match="single_label"):
        train(rows, rows, tmp_path / "wrong", wrong)


def test_options_that_make_no_sense_for_one_class_are_refused() -> None:
    with pytest.raises(ValueError, match="joined"):
        TrainingOptions(task="single_label", joined=0.1)
    assert single_label(("a", "b")).loss == "cross_entropy"


def test_temperature_undoes_overconfidence() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(4000, 3)) * 2
    drawn = np.array([generator.choice(3, p=p) for p in softmax(logits)])
    found = fit_temperature(logits * 4, np.eye(3)[drawn], np.ones(4000))
    assert found == pytest.approx(4, rel=0.1)
    assert fit_temperature(logits[:2], np.full((2, 3), np.nan), np.ones(2)) == 1.0
