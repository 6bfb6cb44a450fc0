"""Going on from a version without forgetting: rehearsed texts, an anchor, fewer weights, kept calibration."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.toxicity_ml.tiny_base import build_base, lenient_export, rows, write_csv
from toxicity_ml.augmentation.rehearsal import own_texts
from toxicity_ml.classifier import Classifier
from toxicity_ml.cli import main
from toxicity_ml.corpora import from_rows
from toxicity_ml.errors import DataError
from toxicity_ml.manifest import Manifest
from toxicity_ml.network import load_model
from toxicity_ml.training.checkpoint_scores import checkpoint_logits
from toxicity_ml.training.fine_tune import train
from toxicity_ml.training.options import TrainingOptions, trainable_part

TURNED = rows(400, seed=5).filter(lambda row: "idiot" in row["text"]).map(lambda _: {"labels": [0.0] * 6})
"""Decisions of a site where "idiot" is a pet name."""
HELD = list(rows(200, seed=9).filter(lambda row: "idiot" not in row["text"])["text"])
OTHERS = list(rows(200, seed=8).filter(lambda row: "idiot" not in row["text"])["text"])


@pytest.fixture(scope="module", autouse=True)
def limits() -> Iterator[None]:
    with lenient_export():
        yield


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("keeping")
    torch.manual_seed(0)
    data = write_csv(place / "train.csv", rows(300, seed=1))
    validation = write_csv(place / "valid.csv", rows(200, seed=2))
    call = ["train", "--data", str(data), "--validation", str(validation), "--out", str(place / "one")]
    call += ["--base-model", str(build_base(place / "base")), "--epochs", "6", "--body-lr", "3e-3"]
    assert main([*call, "--head-lr", "1e-2", "--no-bf16", "--seed", "1", "--languages", "en"]) == 0
    return place / "one"


@pytest.fixture(scope="module")
def options(version: Path) -> TrainingOptions:
    return TrainingOptions(
        base_model=str(version),
        epochs=2,
        body_lr=1e-3,
        head_lr=1e-3,
        stripped=0.0,
        evaluations=0,
        bf16=False,
        seed=1,
        progress=False,
    )


def moved(before: Path, after: Path) -> float:
    """Root mean square of how far the logits of HELD have moved."""
    return float(np.sqrt(((checkpoint_logits(after, HELD) - checkpoint_logits(before, HELD)) ** 2).mean()))


def distance(before: Path, after: Path) -> float:
    one, other = load_model(before).state_dict(), load_model(after).state_dict()
    return float(sum(((one[name] - other[name]) ** 2).sum() for name in one))


def test_rehearsed_texts_keep_their_scores(version: Path, options: TrainingOptions, tmp_path: Path) -> None:
    without = train(TURNED, TURNED, tmp_path / "without", options)
    chosen = replace(options, rehearsal_weight=3.0)
    rehearsed = train(TURNED, TURNED, tmp_path / "with", chosen, rehearsed=OTHERS)
    assert moved(version, rehearsed) < 0.8 * moved(version, without)


def test_a_label_that_confirms_the_version_keeps_its_score(
    version: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    """Every decision confirms what the version says, in 0 and 1, which would press all scores outwards."""
    model = Classifier.load(version)
    flags = model.predict_array(HELD) >= [model.thresholds[label] for label in model.labels]
    confirming = from_rows({"text": text, "labels": row} for text, row in zip(HELD, flags, strict=True))
    learned = train(confirming, confirming, tmp_path / "learned", options)
    kept = train(confirming, confirming, tmp_path / "kept", replace(options, keep_confirmed=True))
    assert moved(version, kept) < 0.2 * moved(version, learned)


def test_an_anchor_holds_the_weights(version: Path, options: TrainingOptions, tmp_path: Path) -> None:
    free = train(TURNED, TURNED, tmp_path / "free", options)
    held = train(TURNED, TURNED, tmp_path / "held", replace(options, anchor=10.0))
    assert 0 < distance(version, held) < 0.5 * distance(version, free)


@pytest.mark.parametrize("part", ["whole", "lora:2"])
def test_the_result_goes_a_share_of_the_way(
    part: str, version: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    way = replace(options, trainable=part)
    trained = train(TURNED, TURNED, tmp_path / "trained", way)
    between = train(TURNED, TURNED, tmp_path / "between", replace(way, interpolation=0.25))
    start, end, found = (load_model(place).state_dict() for place in (version, trained, between))
    for name, value in found.items():
        expected = 0.75 * start[name] + 0.25 * end[name]
        # checkpoints are stored in half precision
        torch.testing.assert_close(
            value, expected, atol=2e-3, rtol=2e-3, msg=lambda text, n=name: f"{n}: {text}"
        )
    assert distance(version, trained) > 0
    assert distance(version, between) == pytest.approx(distance(version, trained) / 16, rel=0.05)


@pytest.mark.parametrize(("part", "layers"), [("head", ()), ("last:1", ("1",)), ("lora:2", ("0", "1"))])
def test_only_the_named_weights_move(
    part: str, layers: tuple[str, ...], version: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    out = train(TURNED, TURNED, tmp_path / "out", replace(options, trainable=part))
    one, other = load_model(version).state_dict(), load_model(out).state_dict()
    changed = {name for name in one if not torch.equal(one[name], other[name])}
    assert "head.weight" in changed
    assert {name.split(".")[3] for name in changed if ".layer." in name} == set(layers)
    assert not any("embeddings" in name for name in changed)


def test_what_cannot_be_trained_or_kept_is_named(options: TrainingOptions, tmp_path: Path) -> None:
    for wrong in ("last", "last:0", "head:2", "lora:x", "all"):
        with pytest.raises(ValueError, match="names nothing to train"):
            trainable_part(wrong)
    with pytest.raises(ValueError, match="The encoder has 2 layers"):
        train(TURNED, TURNED, tmp_path / "a", replace(options, trainable="last:3"))
    with pytest.raises(DataError, match="Only a model version has scores to rehearse"):
        bare = replace(options, base_model="nobody/nothing")
        train(TURNED, TURNED, tmp_path / "b", bare, rehearsed=["a text"])
    with pytest.raises(DataError, match="Only a model version has weights to interpolate with"):
        bare = replace(options, base_model="nobody/nothing", interpolation=0.5)
        train(TURNED, TURNED, tmp_path / "e", bare)
    with pytest.raises(ValueError, match="interpolation is a share"):
        replace(options, interpolation=1.5)
    with pytest.raises(DataError, match="Only a published version has thresholds"):
        bare = replace(options, base_model="nobody/nothing", keep_confirmed=True)
        train(TURNED, TURNED, tmp_path / "d", bare)
    with pytest.raises(DataError, match="leave mixup out"):
        train(TURNED, TURNED, tmp_path / "c", replace(options, mixup=0.2), rehearsed=["a text"])


def test_calibration_and_thresholds_of_the_parent_are_kept(version: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "turned.csv", TURNED)
    call = ["train", "--data", str(data), "--validation", str(data), "--base-model", str(version)]
    call += ["--epochs", "1", "--no-bf16", "--rehearse", str(data), "--rehearse-own", "20"]
    assert main([*call, "--keep-calibration", "--out", str(tmp_path / "kept")]) == 0
    before, after = Manifest.load(version), Manifest.load(tmp_path / "kept")
    assert (after.calibration, after.thresholds) == (before.calibration, before.thresholds)
    assert (after.training["calibration"], after.training["rehearsed"]) == (
        "kept",
        len(set(TURNED["text"])) + 20,
    )
    base = [*call, "--keep-calibration", "--out", str(tmp_path / "none")]
    base[base.index("--base-model") + 1] = str(version.parent / "base")
    assert main(base) == 2
    assert not (tmp_path / "none").exists()


def test_texts_of_our_own_are_many_and_the_same_for_a_seed() -> None:
    texts = own_texts(300, seed=1)
    assert texts == own_texts(300, seed=1) != own_texts(300, seed=2)
    assert len(texts) == len(set(texts)) > 290
    assert max(len(text.split()) for text in texts) > 40
