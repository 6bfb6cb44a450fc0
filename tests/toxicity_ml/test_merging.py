"""Merging: one network whose weights are the average of several."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from tests.toxicity_ml.tiny_model import FRIENDLY, build_version
from toxicity_ml.classifier import Classifier
from toxicity_ml.cli import main
from toxicity_ml.errors import DataError
from toxicity_ml.manifest import Manifest
from toxicity_ml.publishing.merging import merge_weights


@pytest.fixture(scope="module")
def other_version(tiny_version: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny version with every weight of its head doubled."""
    other = tmp_path_factory.mktemp("other") / "tiny-2"
    shutil.copytree(tiny_version, other)
    weights = load_file(other / "model.safetensors")
    save_file(
        {name: value * 2 if "head" in name else value for name, value in weights.items()},
        other / "model.safetensors",
    )
    manifest = Manifest.load(other)
    files = {**manifest.files, "model.safetensors": _sha256(other / "model.safetensors")}
    replace(manifest, version="2", files=files).save(other)
    return other


def test_each_weight_is_the_average_by_shares(
    tiny_version: Path, other_version: Path, tmp_path: Path
) -> None:
    merged = load_file(merge_weights([tiny_version, other_version], [3, 1], tmp_path) / "model.safetensors")
    one = load_file(tiny_version / "model.safetensors")
    for name, value in one.items():
        factor = 1.25 if "head" in name else 1.0
        assert merged[name].dtype == value.dtype
        assert abs(merged[name] - factor * value).max() < 2e-3, name


def test_what_does_not_fit_together_is_refused(tiny_version: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two versions or more"):
        merge_weights([tiny_version], [1], tmp_path / "alone")
    with pytest.raises(DataError, match="over 0"):
        merge_weights([tiny_version, tiny_version], [1, 0], tmp_path / "nothing")
    shutil.copytree(tiny_version, tmp_path / "foreign")
    manifest = replace(Manifest.load(tiny_version), base_model="another/encoder")
    manifest.save(tmp_path / "foreign")
    with pytest.raises(DataError, match="another base model"):
        merge_weights([tiny_version, tmp_path / "foreign"], [1, 1], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_the_command_publishes_a_version_that_says_what_it_was_made_of(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build_version(tmp_path / "again", version="7")
    rows = tmp_path / "rows.csv"
    with rows.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["comment_text", *Manifest.load(tiny_version).labels])
        for number in range(60):
            bad = number % 3 == 0
            writer.writerow([f"{FRIENDLY[number % len(FRIENDLY)]} {'idiot' if bad else ''}", *[int(bad)] * 6])
    command = ["merge", "--model", str(tiny_version), "--model", str(tmp_path / "again")]
    command += ["--validation", str(rows), "--version", "8", "--out", str(tmp_path / "merged"), "--json"]
    assert main(command) == 0
    assert "metrics" in json.loads(capsys.readouterr().out)
    manifest = Manifest.load(tmp_path / "merged")
    assert (manifest.name, manifest.version) == ("tiny", "8")
    assert [(part["version"], part["share"]) for part in manifest.training["merged"]] == [
        ("tiny@1", 0.5),
        ("tiny@7", 0.5),
    ]
    assert Classifier.load(tmp_path / "merged").predict("you are an idiot")["toxic"] > 0.5
    assert main(command) == 2  # a version is never changed


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
