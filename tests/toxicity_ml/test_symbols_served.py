"""Symbols put into words on every path that reads a text: windows, scores by either backend, attributions,
disguises, training, rehearsal and publishing."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from toxicity_ml import doubts, explanation
from toxicity_ml.classifier import Classifier
from toxicity_ml.corpora import from_rows
from toxicity_ml.explanation.words import read
from toxicity_ml.inference.windows import WindowEncoder
from toxicity_ml.manifest import Manifest
from toxicity_ml.network import load_model, load_tokenizer, saved_symbols_in_words
from toxicity_ml.publishing.publish import publish_version
from toxicity_ml.text import symbols
from toxicity_ml.training.batches import tokenized
from toxicity_ml.training.options import TrainingOptions
from toxicity_ml.training.rehearsal import KEPT, with_rehearsal

SIGN = "\U0001faa0"
"""Stands for *idiot* here, which the tiny network knows; no other test gives it a name."""
TEXT = f"you are a {SIGN}"
MEANT = "you are a idiot"


@pytest.fixture(autouse=True)
def sign_is_named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(symbols._NAMES, SIGN, "idiot")
    symbols._name.cache_clear()
    yield
    symbols._name.cache_clear()


@pytest.fixture(scope="module")
def version(tiny_version: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny version, as one that was trained on symbols in words."""
    directory = tmp_path_factory.mktemp("symbols") / "version"
    shutil.copytree(tiny_version, directory)
    manifest = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps(manifest | {"symbols_in_words": True}))
    return directory


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("symbols") / "checkpoint"
    shutil.copytree(tiny_checkpoint, directory)
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps(config | {"symbols_in_words": True}))
    return directory


@pytest.mark.parametrize("backend", ["onnx", "torch"])
def test_a_symbol_scores_as_its_word_on_either_backend(
    version: Path, tiny_version: Path, backend: str
) -> None:
    in_words = Classifier.load(version, threads=1, backend=backend)
    assert np.array_equal(in_words.logits([TEXT]), in_words.logits([MEANT]))
    without = Classifier.load(tiny_version, threads=1, backend=backend)
    assert without.predict(TEXT)["insult"] < 0.5 < in_words.predict(TEXT)["insult"]


def test_a_symbol_in_a_later_window_is_read(version: Path) -> None:
    text = "this is a good article " * 60 + SIGN
    encoder = WindowEncoder.of(version, Manifest.load(version))
    windows = encoder.windows(text)
    assert len(windows) > 1
    assert [ids.tolist() for ids in windows] == [
        ids.tolist() for ids in encoder.windows("this is a good article " * 60 + "idiot")
    ]


def test_an_attribution_points_at_the_symbol(version: Path) -> None:
    found = explanation.attribute(version, TEXT, "insult")
    strongest = max(found.words, key=lambda word: word.value)
    assert (strongest.text, strongest.start, strongest.end) == (SIGN, len(TEXT) - 1, len(TEXT))
    assert found.total == pytest.approx(found.logit - found.baseline, abs=1e-6)


def test_words_and_tokens_of_a_symbol_have_its_place(version: Path) -> None:
    reading = read(version, f"{SIGN}{SIGN} you")
    assert reading.words == ((0, 1), (1, 2), (3, 6))
    assert {span for span in reading.windows[0].spans if span[0] < span[1]} == {(0, 1), (1, 2), (3, 6)}


def test_an_undisguised_word_keeps_its_place_beside_a_symbol(version: Path) -> None:
    text = f"{SIGN} you st.u.p.id"
    encoder = WindowEncoder.of(version, Manifest.load(version))
    as_written, undisguised = encoder.forms(text)
    assert as_written.text.split()[0] == undisguised.text.split()[0] == "idiot"
    ((start, end),) = undisguised.changed
    assert undisguised.text[start:end] == "stupid"
    scores = Classifier.load(version, threads=1).predict_array([text, "idiot you stupid"])
    assert scores[0, 0] == pytest.approx(scores[1, 0], abs=0.02)


def test_rows_of_a_training_are_read_as_they_will_be_served(checkpoint: Path) -> None:
    tokenizer = load_tokenizer(checkpoint)
    rows = from_rows([{"text": text, "labels": [0.0] * 6} for text in (TEXT, MEANT)])
    made = tokenized(rows, tokenizer, 64, puts_symbols_in_words=saved_symbols_in_words(checkpoint))
    assert made["input_ids"][0] == made["input_ids"][1]


def test_rehearsed_texts_are_read_so_too(checkpoint: Path) -> None:
    model, tokenizer = load_model(checkpoint), load_tokenizer(checkpoint)
    options = TrainingOptions(max_length=64)
    rows = tokenized(
        from_rows([{"text": MEANT, "labels": [1.0, 0, 0, 0, 1.0, 0]}]),
        tokenizer,
        64,
        puts_symbols_in_words=True,
    )
    made = with_rehearsal(rows, [TEXT], model, tokenizer, options)
    assert made["input_ids"][0] == made["input_ids"][1]
    kept = np.asarray(made[KEPT], dtype=np.float64)
    assert np.isfinite(kept).all(axis=1).sum() == 1


def test_doubts_see_the_symbol(checkpoint: Path) -> None:
    features = doubts.pooled_features(checkpoint, [TEXT, MEANT])
    assert features[0] == pytest.approx(features[1], abs=1e-5)


def test_a_version_of_a_checkpoint_reads_as_it_was_trained(checkpoint: Path, tmp_path: Path) -> None:
    words = ("idiot", "stupid", "moron", "crap", "damn", "kill")
    rows = from_rows(
        [
            {
                "text": f"you are a {word} {number}",
                "labels": [1.0, 0, word in ("crap", "damn"), word == "kill", 1.0, 0],
            }
            for word in words
            for number in range(10)
        ]
        + [{"text": f"this is a good day {number}", "labels": [0.0] * 6} for number in range(60)]
    )
    manifest = publish_version(
        checkpoint, tmp_path / "made", name="tiny", version="2", validation=rows, base_model="random"
    )
    assert manifest.symbols_in_words and Manifest.load(tmp_path / "made").symbols_in_words
    served = Classifier.load(tmp_path / "made", threads=1)
    assert np.array_equal(served.logits([TEXT]), served.logits([MEANT]))
