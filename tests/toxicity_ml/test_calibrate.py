"""A further version of a model: the same network with thresholds for other rows."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.toxicity_ml.tiny_model import FRIENDLY
from toxicity_ml import corpora
from toxicity_ml.classifier import Classifier
from toxicity_ml.cli import main
from toxicity_ml.corpora import from_rows
from toxicity_ml.errors import DataError, ModelDamaged
from toxicity_ml.manifest import VERSION_FILES, Manifest
from toxicity_ml.perspective.scale import Scale
from toxicity_ml.publishing.publish import recalibrate
from toxicity_ml.publishing.scaling import with_scale
from toxicity_ml.window_pooling import WINDOW_TEMPERATURE

HARSH = "you idiot"


def _rows(tiny_version: Path) -> list[dict[str, object]]:
    """Of 90 comments a site minds only those that end with an insult of two words; nobody threatens."""
    labels = Manifest.load(tiny_version).labels
    rows = []
    for number in range(90):
        text = " ".join(FRIENDLY[(number * 7 + place) % len(FRIENDLY)] for place in range(6))
        bad = number % 3 == 0
        harsh = number % 3 == 1
        text += f" {HARSH} moron" if bad else f" {HARSH}" if harsh else ""
        rows.append({"text": text, **{label: int(bad and label != "threat") for label in labels}})
    return rows


@pytest.fixture
def file(tiny_version: Path, tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    rows = _rows(tiny_version)
    with path.open("w", newline="") as target:
        writer = csv.DictWriter(target, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_same_network_gets_thresholds_of_these_rows(
    tiny_version: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Manifest.load(tiny_version)
    out = tmp_path / "ours"
    command = ["calibrate", "--model", str(tiny_version), "--validation", str(file), "--version", "ours"]
    assert main([*command, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    after = Manifest.load(out)
    assert f"tiny@ours is in {out}." in printed
    assert f"toxic: {before.thresholds['toxic']:.4f} -> {after.thresholds['toxic']:.4f}" in printed
    for name in VERSION_FILES:
        assert (out / name).read_bytes() == (tiny_version / name).read_bytes()
    assert Manifest.load(tiny_version) == before
    assert (after.window_temperature, before.window_temperature) == (WINDOW_TEMPERATURE, 0.0)
    assert after.training["calibrated_from"] == ["tiny@1"]
    assert "(kept: too few rows)" in next(line for line in printed.splitlines() if "threat" in line)
    # nobody threatens here: nothing is learnt of it
    assert after.thresholds["threat"] == before.thresholds["threat"]
    assert after.calibration["threat"] == before.calibration["threat"]
    ours, theirs = Classifier.load(out), Classifier.load(tiny_version)
    mild = [
        text for number in range(9) if HARSH in (text := _text(tiny_version, number)) and "moron" not in text
    ]
    assert mild
    assert all("insult" in theirs.labels_over_threshold(theirs.predict(text)) for text in mild)
    flagged = [text for text in mild if "insult" in ours.labels_over_threshold(ours.predict(text))]
    assert len(flagged) < len(mild)
    assert "insult" in ours.labels_over_threshold(ours.predict(_text(tiny_version, 0)))


def test_a_scale_of_perspective_moves_with_the_calibration(tiny_version: Path, tmp_path: Path) -> None:
    scale = {"toxic": [[0.0, 0.0], [0.2, 0.4], [0.5, 0.7], [1.0, 1.0]]}
    scaled, out, file = tmp_path / "scaled", tmp_path / "out", tmp_path / "rows.csv"
    with_scale(tiny_version, scaled, version="scaled", scale=scale, languages=["nl"])
    with file.open("w", newline="") as target:
        rows = _rows(tiny_version)
        writer = csv.DictWriter(target, rows[0].keys())
        writer.writeheader()
        # a third of the comments is judged by the toss of a coin: no score is near 0 or 1
        writer.writerows(
            row | ({"toxic": number % 2} if number % 9 < 3 else {}) for number, row in enumerate(rows)
        )
    command = ["calibrate", "--model", str(scaled), "--validation", str(file), "--version", "ours"]
    assert main([*command, "--out", str(out)]) == 0
    before, after = Classifier.load(scaled), Classifier.load(out)
    assert after.languages == ("nl",)
    assert after.manifest.training["calibrated_from"] == ["tiny@scaled"]
    old, new = (Scale.from_json(each.manifest.perspective_scale) for each in (before, after))
    assert old.maps != new.maps and len(new.maps["toxic"]) == 4
    texts = [str(row["text"]) for row in rows]
    theirs, ours = (each.predict_array(texts)[:, 0].astype(float) for each in (before, after))
    assert np.abs(ours - theirs).max() > 0.02
    for level in (0.4, 0.7):
        assert [old.of("toxic", score) > level for score in theirs] == [
            new.of("toxic", score) > level for score in ours
        ]


def test_an_origin_that_is_named_without_a_list_is_kept_whole(
    tiny_version: Path, file: Path, tmp_path: Path
) -> None:
    version = tmp_path / "version"
    shutil.copytree(tiny_version, version)
    manifest = json.loads((version / "manifest.json").read_text())
    manifest["training"]["calibrated_from"] = "tiny@0"
    (version / "manifest.json").write_text(json.dumps(manifest))
    rows = corpora.load([str(file)], Manifest.load(version).labels)
    after = recalibrate(version, tmp_path / "out", version="2", validation=rows)
    assert after.training["calibrated_from"] == ["tiny@0", "tiny@1"]


def _text(tiny_version: Path, number: int) -> str:
    return str(_rows(tiny_version)[number]["text"])


def test_the_probabilities_are_fitted_and_the_metrics_are_those_of_the_rows(
    tiny_version: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "calibrate",
        "--model",
        str(tiny_version),
        "--validation",
        str(file),
        "--version",
        "2",
        "--json",
    ]
    assert main([*command, "--name", "ours", "--out", str(tmp_path / "ours")]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert metrics["validation"]["labels"]["toxic"]["positives"] == 30
    ours = Classifier.load(tmp_path / "ours")
    assert ours.version == "ours@2"
    texts = [str(row["text"]) for row in _rows(tiny_version)]
    # a third of them is toxic, and Platt scaling keeps the mean
    assert ours.predict_array(texts)[:, 0].mean() == pytest.approx(1 / 3, abs=0.02)
    assert not np.allclose(
        ours.predict_array(texts)[:, 0], Classifier.load(tiny_version).predict_array(texts)[:, 0], atol=0.05
    )


def test_a_version_is_never_changed_and_a_damaged_one_never_used(tiny_version: Path, tmp_path: Path) -> None:
    rows = from_rows([{"text": "you idiot", "labels": [1.0] * 6, "weight": 1.0}])
    with pytest.raises(DataError, match="exists"):
        recalibrate(tiny_version, tiny_version, version="2", validation=rows)
    with pytest.raises(DataError, match="name the new one otherwise"):
        recalibrate(tiny_version, tmp_path / "ours", version="1", validation=rows)
    with pytest.raises(DataError, match="too few to fit anything"):
        recalibrate(tiny_version, tmp_path / "ours", version="2", validation=rows)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for name in VERSION_FILES:
        (damaged / name).write_bytes((tiny_version / name).read_bytes())
    manifest = Manifest.load(tiny_version)
    rows = from_rows(
        [
            {"text": "you idiot" if bad else "kind", "labels": [float(bad)] * 6, "weight": 1.0}
            for bad in [True] * 20 + [False] * 20
        ]
    )
    replace(manifest, files={**manifest.files, "model.onnx": "0" * 64}).save(damaged)
    with pytest.raises(ModelDamaged, match=r"model\.onnx"):
        recalibrate(damaged, tmp_path / "ours", version="2", validation=rows)
    assert not (tmp_path / "ours").exists()
