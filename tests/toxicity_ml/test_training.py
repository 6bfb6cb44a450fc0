"""Fine-tuning on a tiny encoder: it learns, masks, resumes, publishes, and serves what it learned."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import set_seed

from tests.toxicity_ml.tiny_base import build_base, lenient_export, rows, write_csv
from toxicity_ml.classifier import Classifier
from toxicity_ml.cli import main
from toxicity_ml.errors import DataError, ModelNotFound
from toxicity_ml.evaluation import weighted_average_precision
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.manifest import Manifest
from toxicity_ml.network import load_model, load_tokenizer, new_model
from toxicity_ml.publishing.scaling import with_scale
from toxicity_ml.training.fine_tune import train
from toxicity_ml.training.options import TrainingOptions
from toxicity_ml.training.trainer import ClassifierTrainer
from toxicity_ml.training.tunable import parameter_groups

INSULT = JIGSAW_LABELS.index("insult")


@pytest.fixture(scope="module", autouse=True)
def limits() -> Iterator[None]:
    """The export's, for networks as tiny as these."""
    with lenient_export():
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return build_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def options(base: Path) -> TrainingOptions:
    return TrainingOptions(
        base_model=str(base), epochs=6, body_lr=3e-3, head_lr=1e-2, bf16=False, seed=1, progress=False
    )


@pytest.fixture(scope="module")
def version(base: Path, options: TrainingOptions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model version made by the command line from CSV files."""
    place = tmp_path_factory.mktemp("trained")
    data = write_csv(place / "train.csv", rows(600, seed=1))
    validation = write_csv(place / "valid.csv", rows(300, seed=2))
    call = [
        "train",
        "--data",
        str(data),
        "--validation",
        str(validation),
        "--out",
        str(place / "tiny"),
        "--json",
    ]
    recipe = [
        "--base-model",
        str(base),
        "--epochs",
        "6",
        "--patience",  # so tiny a network does worse for a while before it has learned the words
        "0",
        "--languages",
        "en",
        "gsw",
        "--body-lr",
        "3e-3",
        "--head-lr",
        "1e-2",
        "--no-bf16",
    ]
    status = main([*call, *recipe])
    assert status == 0
    return place / "tiny"


def test_the_published_model_has_learned_the_words(version: Path) -> None:
    classifier = Classifier.load(version)
    data = rows(200, seed=3)
    scores = classifier.predict_array(list(data["text"]))
    truth = np.asarray(data["labels"])[:, INSULT] > 0.5
    assert weighted_average_precision(truth, scores[:, INSULT], np.ones(200)) > 0.95
    assert "insult" in classifier.labels_over_threshold(classifier.predict("that was a idiot answer"))
    assert classifier.labels_over_threshold(classifier.predict("thanks that was a kind answer")) == []


def test_the_manifest_says_how_it_was_made_and_how_good_it_is(version: Path) -> None:
    manifest = Manifest.load(version)
    manifest.verify(version)
    assert manifest.labels == JIGSAW_LABELS
    assert (manifest.languages, manifest.perspective_scale) == (("en", "gsw"), {})
    assert "perspective_scale" not in manifest.training
    assert manifest.training["rows"] == 600 and manifest.training["options"]["epochs"] == 6
    insult = manifest.metrics["validation"]["labels"]["insult"]
    assert insult["average_precision"]["value"] > 0.95
    assert insult["calibration"]["predicted_over_observed"] == pytest.approx(1, abs=0.2)
    assert manifest.metrics["int8_parity"]["mean_difference"] > 0
    assert {entry["text"] for entry in manifest.canned} >= {"", "you are an idiot"}
    assert not (version.parent / "tiny.work").exists()


def test_the_tokenizer_of_a_version_neither_pads_nor_cuts(version: Path) -> None:
    content = json.loads((version / "tokenizer.json").read_text())
    assert content["truncation"] is None and content["padding"] is None
    assert len(load_tokenizer(version).encode("good " * 300).ids) == 302


def test_a_version_is_never_overwritten(version: Path) -> None:
    before = (version / "manifest.json").read_bytes()
    data = write_csv(version.parent / "more.csv", rows(30))
    assert main(["train", "--data", str(data), "--out", str(version)]) != 0
    assert (version / "manifest.json").read_bytes() == before


def test_training_goes_on_from_a_version_with_its_head(version: Path, tmp_path: Path) -> None:
    child, parent = tmp_path / "child", tmp_path / "parent"
    scale = {"insult": [[0.0, 0.0], [0.3, 0.7], [1.0, 1.0]]}
    with_scale(version, parent, version="scaled", scale=scale, languages=["en", "pt-BR"])
    data = write_csv(tmp_path / "reviews.csv", rows(60, seed=4))
    assert (
        main(
            [
                *("train", "--data", str(data), "--base-model", str(parent)),
                *("--out", str(child), "--epochs", "1", "--no-bf16"),
            ]
        )
        == 0
    )
    manifest = Manifest.load(child)
    assert manifest.training["parent"] == "tiny@scaled"
    assert (manifest.languages, manifest.perspective_scale) == (("en", "pt-BR"), scale)
    assert manifest.training["perspective_scale"] == "of tiny@scaled, not fitted anew"
    # three validation rows are too few to calibrate by: the parent's figures stand
    assert manifest.calibration == Manifest.load(version).calibration
    assert "insult" in Classifier.load(child).labels_over_threshold(
        Classifier.load(child).predict("good idiot")
    )


def test_a_language_that_is_no_tag_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_csv(tmp_path / "rows.csv", rows(30))
    command = ["train", "--data", str(data), "--out", str(tmp_path / "out"), "--languages", "en", "en_GB"]
    assert main(command) != 0
    assert "'en_GB' is no language tag" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_labels_that_a_version_to_go_on_from_lacks_are_refused(
    version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_csv(tmp_path / "reviews.csv", rows(20, seed=4))
    asked = ["train", "--data", str(data), "--base-model", str(version), "--labels", "toxic", "spam"]
    assert main([*asked, "--out", str(tmp_path / "child")]) == 2
    assert "goes on with those; for others start from an encoder" in capsys.readouterr().err
    assert not (tmp_path / "child").exists()


def test_an_interrupted_training_resumes_from_its_checkpoint(
    options: TrainingOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []

    class Killed(BaseException):
        pass

    original = ClassifierTrainer.training_step

    def dying(self: ClassifierTrainer, *args: object, **kwargs: object) -> torch.Tensor:
        steps.append(self.state.global_step)
        if len(steps) == 13:
            raise Killed
        return original(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ClassifierTrainer, "training_step", dying)
    short = replace(options, epochs=2, evaluations=1, batch_size=32)
    with pytest.raises(Killed):
        train(rows(320, seed=5), rows(60, seed=6), tmp_path / "out", short)
    train(rows(320, seed=5), rows(60, seed=6), tmp_path / "out", short)
    assert steps[:13] == list(range(13))
    assert steps[13] == 10  # the checkpoint after the first epoch, not the beginning
    assert steps[-1] == 19
    assert not (tmp_path / "out" / "checkpoints").exists()
    load_model(tmp_path / "out")


def test_the_same_seed_gives_the_same_weights(options: TrainingOptions, tmp_path: Path) -> None:
    short = replace(options, epochs=1)
    found = []
    for name in ("one", "two"):
        train(rows(64, seed=5), rows(32, seed=6), tmp_path / name, short)
        found.append((tmp_path / name / "model.safetensors").read_bytes())
    assert found[0] == found[1]


def test_the_head_starts_at_the_prevalence_and_learns_faster_than_the_embeddings(base: Path) -> None:
    model, _ = new_model(str(base), JIGSAW_LABELS)
    options = TrainingOptions(body_lr=1e-4, layer_decay=0.5, head_lr=1e-2)
    rates = {id(p): group["lr"] for group in parameter_groups(model, options) for p in group["params"]}
    by_name = {name: rates[id(parameter)] for name, parameter in model.named_parameters()}
    assert by_name["head.weight"] == 1e-2
    assert by_name["encoder.encoder.layer.1.output.dense.weight"] == 1e-4
    assert by_name["encoder.encoder.layer.0.output.dense.weight"] == 0.5e-4
    assert by_name["encoder.embeddings.word_embeddings.weight"] == 0.25e-4


def test_a_label_that_nobody_looked_at_does_not_move(
    base: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    masked = rows(64, seed=7).map(lambda row: {"labels": [*row["labels"][:5], float("nan")]})
    train(masked, masked, tmp_path / "out", replace(options, epochs=1, weight_decay=0.0))
    torch.manual_seed(options.seed)
    set_seed(options.seed)
    fresh, _ = new_model(str(base), JIGSAW_LABELS)
    moved = load_model(tmp_path / "out").head.weight
    assert torch.allclose(moved[5], fresh.head.weight[5], atol=1e-3)
    assert not torch.allclose(moved[4], fresh.head.weight[4], atol=1e-3)


def test_data_that_does_not_fit_and_a_base_out_of_reach_are_named(
    options: TrainingOptions, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="has 6 labels a row, not 2"):
        train(rows(4), rows(4), tmp_path / "a", replace(options, labels=("toxic", "insult")))
    with pytest.raises(ModelNotFound, match="nobody/nothing"):
        new_model("nobody/nothing", JIGSAW_LABELS)


def test_evaluate_prints_both_models_and_writes_a_page(
    version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_csv(tmp_path / "test.csv", rows(120, seed=8))
    page = tmp_path / "report.html"
    call = ["evaluate", "--model", str(version), "--data", str(data), "--resamples", "50"]
    assert main([*call, "--json", "--report", str(page)]) == 0
    report = json.loads(capsys.readouterr().out)
    figures = report["parts"]["test.csv"]["tiny@1"]["labels"]["insult"]
    assert figures["f1"]["low"] <= figures["f1"]["value"] <= figures["f1"]["high"]
    assert "insult" in page.read_text() and "tiny@1" in page.read_text()


@pytest.mark.parametrize(
    "module", ["training", "training.options", "training.class_weights", "recipes.comparison"]
)
def test_what_is_numpy_alone_loads_neither_torch_nor_transformers(module: str) -> None:
    code = (
        f"import sys, toxicity_ml.{module}; "
        "print(*(name for name in ('torch', 'transformers', 'datasets', 'sklearn') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
