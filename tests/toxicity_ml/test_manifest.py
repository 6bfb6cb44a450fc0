"""The manifest: what it reads, what it refuses, what it proves."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import ModelDamaged, ModelNotFound
from toxicity_ml.manifest import VERSION_FILES, Manifest, manifest_sha256


@pytest.fixture
def version(tiny_version: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_version, tmp_path / "version"))


def change(version: Path, **values: Any) -> None:
    path = version / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_manifest_read_and_saved_again_is_the_same_file(version: Path) -> None:
    before = manifest_sha256(version)
    Manifest.load(version).save(version)
    assert manifest_sha256(version) == before


@pytest.mark.parametrize("name", VERSION_FILES)
def test_one_changed_byte_in_any_file_is_found_and_the_file_named(version: Path, name: str) -> None:
    path = version / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelDamaged, match=name):
        Manifest.load(version).verify(version)


@pytest.mark.parametrize("name", VERSION_FILES)
def test_a_missing_file_is_named(version: Path, name: str) -> None:
    (version / name).unlink()
    with pytest.raises(ModelNotFound, match=name):
        Manifest.load(version).verify(version)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="nowhere"):
        Manifest.load(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"name": "x"}', b"[" * 100_000])
def test_a_file_that_is_no_manifest_is_damaged(version: Path, content: bytes) -> None:
    (version / "manifest.json").write_bytes(content)
    with pytest.raises(ModelDamaged, match=r"manifest\.json"):
        Manifest.load(version)


@pytest.mark.parametrize(
    "values",
    [
        {"labels": []},
        {"thresholds": {}},
        {"calibration": {"toxic": {"slope": 1.0}}},
        {"canned": [{"text": "x", "scores": {}}]},
        {"files": {"../secret": "0"}},
        {"stride": 0},
        {"stride": 191},
        {"window_temperature": -0.1},
        {"window_temperature": "warm"},
        {"window_temperature": True},
        {"window_temperature": 10**400},
        {"window_temperature": 1e-320},
        {"max_length": "192"},
        {"languages": []},
        {"languages": "en"},
        {"languages": None},
        {"languages": {"en": 1}},
        {"languages": ["en", "en_GB"]},
        {"languages": ["en", 1]},
        {"perspective_scale": None},
        {"perspective_scale": [[0, 0], [1, 1]]},
        {"perspective_scale": {"politeness": [[0, 0], [1, 1]]}},
    ],
)
def test_a_manifest_that_contradicts_itself_is_damaged(version: Path, values: dict[str, Any]) -> None:
    change(version, **values)
    with pytest.raises(ModelDamaged, match=r"manifest\.json"):
        Manifest.load(version)


def test_a_manifest_of_before_says_english_and_has_no_scale(version: Path) -> None:
    path = version / "manifest.json"
    content = json.loads(path.read_text())
    del content["languages"], content["perspective_scale"]
    path.write_text(json.dumps(content))
    manifest = Manifest.load(version)
    assert (manifest.languages, manifest.perspective_scale) == (("en",), {})


def test_a_classifier_says_the_languages_of_its_version(version: Path) -> None:
    change(version, languages=["pt-BR", "en"])
    assert Classifier.load(version).languages == ("pt-BR", "en")
