"""Importing: a checkpoint of transformers scores here as it scores there, or is refused with a reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.toxicity_ml.foreign_checkpoints import CONFIGS, LABELS, build
from toxicity_ml import corpora
from toxicity_ml.classifier import Classifier
from toxicity_ml.cli import main
from toxicity_ml.errors import DataError, ExportRefused, ModelDamaged, ModelNotFound
from toxicity_ml.explanation import attention, attribute
from toxicity_ml.importing.checkpoint import open_checkpoint
from toxicity_ml.importing.importing import Options, import_checkpoint
from toxicity_ml.importing.label_names import Outputs, outputs, task_of
from toxicity_ml.inference.backends.torch import TorchBackend
from toxicity_ml.manifest import Manifest

TEXTS = (
    "thank you, that was kind",
    "You are an IDIOT, shut up!",
    "Das war ein kluger Beitrag, größten Dank",
    "planted three apple trees " * 8,
    "\u6c49\u5b57 and \U0001f600 signs",
)


def own_scores(directory: Path, texts: tuple[str, ...] = TEXTS) -> np.ndarray:
    """What transformers itself gives, by its pipeline's rule for the problem type."""
    model = AutoModelForSequenceClassification.from_pretrained(directory).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    with torch.inference_mode():
        logits = torch.cat(
            [model(**tokenizer(text, truncation=True, return_tensors="pt")).logits for text in texts]
        )
    if model.config.problem_type == "single_label_classification":
        return logits.softmax(dim=-1).numpy()
    return logits.sigmoid().numpy()


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """{family: (checkpoint, version)}, each made once."""
    made: dict[str, tuple[Path, Path]] = {}

    def of(family: str) -> tuple[Path, Path]:
        if family not in made:
            place = tmp_path_factory.mktemp(family)
            checkpoint = build(place / "checkpoint", family)
            import_checkpoint(checkpoint, place / "version", Options(name=family))
            made[family] = (checkpoint, place / "version")
        return made[family]

    return of


@pytest.mark.parametrize("family", CONFIGS)
def test_each_family_scores_as_transformers_itself_on_every_backend(
    family: str, imported: Callable[[str], tuple[Path, Path]]
) -> None:
    checkpoint, version = imported(family)
    expected = own_scores(checkpoint)
    assert np.ptp(expected, axis=0).max() > 0.01 and np.ptp(expected) > 0.1  # a mix-up would show
    served = Classifier.load(version, threads=1)
    assert served.labels == ("toxic", "obscene", "insult", "spam")
    assert np.abs(served.predict_array(TEXTS) - expected).max() < 0.003
    for backend in ("torch", "cuda"):
        network = Classifier.load(version, threads=1, backend=backend, device="cpu")  # type: ignore[arg-type]
        assert np.abs(network.predict_array(TEXTS) - expected).max() < 0.003


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "mpnet"])
def test_a_long_text_is_read_in_windows_and_explained_by_its_own_words(
    family: str, imported: Callable[[str], tuple[Path, Path]]
) -> None:
    _, version = imported(family)
    text = "größe " + "apple trees in the garden, " * 40 + "you are an idiot"
    assert np.isfinite(Classifier.load(version, threads=1).predict_array([text])).all()
    looks = attention(version, text, "toxic")
    assert looks.windows > 1
    spans = [text[start:end] for start, end in looks.spans if start < end]
    assert spans and max(map(len, spans)) <= 8
    explained = attribute(version, "you idiot, größte Tomate", "toxic", "integrated_gradients")
    assert [word.text for word in explained.words] == ["you", "idiot", ",", "größte", "Tomate"]


def test_special_tokens_in_a_comment_are_text_and_no_end_of_it(
    imported: Callable[[str], tuple[Path, Path]],
) -> None:
    _, version = imported("roberta")
    classifier = Classifier.load(version, threads=1)
    plain, with_end = classifier.predict_array(["you are </s> an idiot", "you are < / s > an idiot"])
    assert np.abs(plain - with_end).max() < 1  # both are scored; none raises
    assert (classifier._encoder.windows("</s>")[0] == classifier._encoder.windows("x")[0][-1]).sum() == 1


def test_a_long_word_without_spaces_is_broken_for_word_pieces_alone(
    imported: Callable[[str], tuple[Path, Path]],
) -> None:
    text = "\u6c49" * 150
    for family, is_broken in (("bert", True), ("xlm-roberta", False)):
        form = Classifier.load(imported(family)[1], threads=1)._encoder.forms(text)[-1]
        assert (" " in form.text) == is_broken


@pytest.mark.parametrize(
    ("family", "languages", "undone"),
    [("bert", ("en",), True), ("bert", ("en", "de"), False), ("roberta", ("en",), False)],
)
def test_disguises_are_undone_for_english_in_pieces_of_words_alone(
    family: str, languages: tuple[str, ...], undone: bool, tmp_path: Path
) -> None:
    checkpoint = build(tmp_path / "checkpoint", family)
    made = import_checkpoint(checkpoint, tmp_path / "version", Options(languages=languages))
    assert (made.manifest.disguises, made.manifest.languages) == (undone, languages)
    readings = Classifier.load(tmp_path / "version", threads=1)._encoder.readings("you i.d.i.o.t")
    assert len(readings) == (2 if undone else 1)


@pytest.mark.parametrize("names", [("neutral", "insult"), ("neutral", "insult", "threat")])
def test_a_softmax_becomes_labels_with_the_classes_shares(names: tuple[str, ...], tmp_path: Path) -> None:
    checkpoint = build(tmp_path / "checkpoint", "roberta", names, "single_label_classification", spread=1.5)
    made = import_checkpoint(checkpoint, tmp_path / "version", Options())
    assert (made.manifest.task, made.manifest.labels) == ("multi_label", names[1:])
    assert made.outputs.left_out == ("neutral",)
    served = Classifier.load(tmp_path / "version", threads=1).predict_array(TEXTS)
    assert np.abs(served - own_scores(checkpoint)[:, 1:]).max() < 0.003
    assert TorchBackend(tmp_path / "version").run_batch([]).shape == (0, len(names) - 1)


def test_int8_is_served_where_it_keeps_to_the_scores_and_float_where_not(tmp_path: Path) -> None:
    tame = build(tmp_path / "tame", "bert", spread=0.02, initializer_range=0.02)
    made = import_checkpoint(tame, tmp_path / "small", Options())
    assert made.manifest.precision == "int8" and made.fidelity["largest_difference"] <= 0.003
    served = Classifier.load(tmp_path / "small", threads=1)
    assert "int8" in repr(served)
    assert np.abs(served.predict_array(TEXTS) - own_scores(tame)).max() <= 0.003

    wild = build(tmp_path / "wild", "bert")
    assert import_checkpoint(wild, tmp_path / "large", Options()).manifest.precision == "float32"
    assert "float32" in repr(Classifier.load(tmp_path / "large", threads=1))
    with pytest.raises(ExportRefused, match="The int8 network"):
        import_checkpoint(wild, tmp_path / "refused", Options(precision="int8"))
    assert not (tmp_path / "refused").exists()


def test_rows_calibrate_what_they_suffice_for_and_leave_the_rest(
    imported: Callable[[str], tuple[Path, Path]], tmp_path: Path
) -> None:
    checkpoint, version = imported("distilbert")
    own = Classifier.load(version, threads=1)
    texts = [f"{text} {number}" for number in range(60) for text in TEXTS]
    scores = own.predict_array(texts)
    rng = np.random.default_rng(5)
    made = import_checkpoint(
        checkpoint,
        tmp_path / "version",
        Options(),
        lambda labels: corpora.from_rows(
            [
                {"text": text, "labels": [np.nan, np.nan, float(rng.random() < 0.2 + row[2] / 2), np.nan]}
                for text, row in zip(texts, scores, strict=True)
            ],
            labels,
        ),
    )
    calibration = made.manifest.calibration
    assert calibration["insult"] != {"slope": 1.0, "intercept": 0.0}
    assert calibration["toxic"] == {"slope": 1.0, "intercept": 0.0}
    assert made.is_calibrated and made.manifest.thresholds["toxic"] == 0.5
    now = Classifier.load(tmp_path / "version", threads=1).predict_array(texts)
    assert abs(float(now[:, 2].mean()) - 0.2 - float(scores[:, 2].mean()) / 2) < 0.1
    assert np.array_equal(now[:, 0], scores[:, 0])


def test_training_goes_on_from_an_imported_version_and_reads_as_it(
    imported: Callable[[str], tuple[Path, Path]], tmp_path: Path
) -> None:
    from toxicity_ml.network import load_model, load_tokenizer, save_model
    from toxicity_ml.publishing.publish import publish_version

    _, version = imported("roberta")
    parent = Manifest.load(version)
    save_model(load_model(version), load_tokenizer(version), tmp_path / "trained")
    rows = corpora.from_rows([{"text": text, "labels": [0.0] * 4} for text in TEXTS], parent.labels)
    made = publish_version(
        tmp_path / "trained",
        tmp_path / "next",
        name="next",
        version="1",
        validation=rows,
        base_model="x",
        inherit=parent,
    )
    kept = ("max_length", "stride", "disguises", "precision", "languages")
    assert [getattr(made, name) for name in kept] == [getattr(parent, name) for name in kept]


# --- what is refused -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("bert") / "checkpoint", "bert")


def changed(bert: Path, directory: Path, **config: Any) -> Path:
    """A copy of which config.json says something else."""
    shutil.copytree(bert, directory)
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return directory


def assert_refused(checkpoint: Path, tmp_path: Path, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        import_checkpoint(checkpoint, tmp_path / "version", Options())
    assert not (tmp_path / "version").exists()


def test_weights_in_a_pickle_alone_are_refused_unread(bert: Path, tmp_path: Path) -> None:
    directory = changed(bert, tmp_path / "pickled")
    torch.save(load_file(directory / "model.safetensors"), directory / "pytorch_model.bin")
    (directory / "model.safetensors").unlink()
    (directory / "pytorch_model.bin").chmod(0)  # who reads it fails otherwise
    assert_refused(directory, tmp_path, DataError, r"pytorch_model\.bin alone.*safetensors")


def test_code_of_the_checkpoint_s_own_is_never_run(bert: Path, tmp_path: Path) -> None:
    directory = changed(
        bert, tmp_path / "coded", auto_map={"AutoModelForSequenceClassification": "own.Model"}
    )
    (directory / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Model: pass\n")
    assert_refused(directory, tmp_path, DataError, "code of the checkpoint's own")
    assert not (tmp_path / "ran").exists()


def parted(bert: Path, directory: Path, file: str) -> Path:
    """A copy whose weights lie in a file that an index names."""
    changed(bert, directory)
    weights = load_file(directory / "model.safetensors")
    (directory / "model.safetensors").rename(directory / "model-00001-of-00001.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, file)}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    return directory


def test_an_index_leads_to_safetensors_beside_it_alone(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "model-00001-of-00001.safetensors"
    assert list(open_checkpoint(parted(bert, tmp_path / "whole", name)).sha256) == [name]

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a pickle was read")

    monkeypatch.setattr(torch, "load", never)
    pickled = parted(bert, tmp_path / "pickled", "weights.bin")
    torch.save(load_file(bert / "model.safetensors"), pickled / "weights.bin")
    assert_refused(pickled, tmp_path, DataError, r"names weights\.bin, which is no safetensors file")
    outside = parted(bert, tmp_path / "outside", f"../checkpoint/{name}")
    assert_refused(outside, tmp_path, DataError, "which is no safetensors file beside it")
    lacking = parted(bert, tmp_path / "lacking", "model-00002-of-00001.safetensors")
    assert_refused(lacking, tmp_path, ModelNotFound, "is missing")
    torn = parted(bert, tmp_path / "torn", name)
    (torn / "model.safetensors.index.json").write_text("[]")
    assert_refused(torn, tmp_path, ModelDamaged, "not an index of weights")


def test_weights_of_another_checkpoint_are_never_read_instead(bert: Path, tmp_path: Path) -> None:
    adapter = changed(bert, tmp_path / "adapter")
    (adapter / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": str(bert), "peft_type": "LORA", "task_type": "SEQ_CLS"})
    )
    assert_refused(adapter, tmp_path, DataError, "makes it an adapter")
    named = changed(bert, tmp_path / "named", transformers_weights="adapter_model.bin")
    assert_refused(named, tmp_path, DataError, "transformers_weights")


@pytest.mark.parametrize(
    "claimed",
    [
        {"vocab_size": 60_000_000},
        {"num_hidden_layers": 20_000},
        {"hidden_size": 100_000},
        {"intermediate_size": 10**9},
        {"max_position_embeddings": 10**9},
    ],
)
def test_a_size_that_is_only_claimed_takes_no_memory(
    bert: Path, tmp_path: Path, claimed: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AutoModelForSequenceClassification, "from_pretrained", None)
    assert_refused(changed(bert, tmp_path / "huge", **claimed), tmp_path, DataError, "can be exported")


def test_another_family_a_regression_and_an_encoder_are_refused(bert: Path, tmp_path: Path) -> None:
    assert_refused(changed(bert, tmp_path / "gpt", model_type="gpt2"), tmp_path, DataError, "family gpt2")
    assert_refused(
        changed(bert, tmp_path / "number", problem_type="regression"), tmp_path, DataError, "for regression"
    )
    encoder = changed(bert, tmp_path / "encoder")
    AutoModelForSequenceClassification.from_pretrained(bert).base_model.save_pretrained(encoder)
    shutil.copy(bert / "config.json", encoder / "config.json")
    assert_refused(encoder, tmp_path, DataError, "lacks weights of a classifier")


def test_a_folder_that_is_no_checkpoint_is_refused(bert: Path, tmp_path: Path) -> None:
    assert_refused(tmp_path / "nowhere", tmp_path, ModelNotFound, r"config\.json is missing")
    torn = changed(bert, tmp_path / "torn")
    (torn / "model.safetensors").write_bytes((torn / "model.safetensors").read_bytes()[:1000])
    assert_refused(torn, tmp_path, ModelDamaged, "can't be loaded by transformers")
    bare = changed(bert, tmp_path / "bare")
    (bare / "model.safetensors").unlink()
    assert_refused(bare, tmp_path, ModelNotFound, r"model\.safetensors is missing")


def test_names_that_are_none_and_names_that_clash_are_refused() -> None:
    for names, given, match in (
        (("LABEL_0", "LABEL_1"), {}, "say what each is with --map LABEL_0=toxic"),
        (("toxic", "toxicity"), {}, "Two outputs would be toxic"),
        (("toxic",), {"insult": "x"}, "has no insult; it has toxic"),
        (("toxic",), {"toxic": ""}, "Every output would be left out"),
        (("toxic",), {"toxic": "Very Toxic"}, "small letters"),
    ):
        with pytest.raises(DataError, match=match):
            outputs(names, "multi_label", given)
    with pytest.raises(DataError, match="--task"):
        task_of(None, ("LABEL_0", "LABEL_1"), None)


def test_the_names_of_detoxify_and_jigsaw_are_known() -> None:
    unbiased = (
        *("toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat"),
        *("sexual_explicit", "male", "christian", "psychiatric_or_mental_illness"),
    )
    found = outputs(unbiased, task_of("multi_label_classification", unbiased, None), {"insult": "rude"})
    assert found == Outputs(
        ("toxic", "severe_toxic", "obscene", "identity_hate", "rude", "threat", "sexual_explicit"),
        tuple(range(7)),
        unbiased[7:],
    )
    assert outputs(unbiased, "multi_label", {"male": "male"}).labels[-1] == "male"
    jigsaw = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
    assert outputs(jigsaw, task_of(None, jigsaw, None), {}).labels == jigsaw
    two = ("Not Hate", "Hate Speech")
    assert outputs(two, "single_label", {}).labels == ("hate_speech",)


def test_the_command_says_what_it_made_and_refuses_with_exit_code_2(
    bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "version"
    call = ["import-checkpoint", str(bert), "--out", str(out), "--map", "spam=", "--language", "de"]
    assert main([*call, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == "checkpoint@1" and told["languages"] == ["de"]
    assert (told["labels"], told["left_out"]) == (["toxic", "obscene", "insult"], ["spam"])
    assert Classifier.load(out, threads=1).languages == ("de",)
    assert main(call) == 2
    assert "exists; a model version is never changed" in capsys.readouterr().err
    assert main(["import-checkpoint", str(bert), "--out", str(tmp_path / "x"), "--map", "spam"]) == 2
    assert len(LABELS) == 4
