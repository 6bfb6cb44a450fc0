"""Makes a model version of a checkpoint: exports, calibrates, sets thresholds, measures, signs.

Everything is measured through ``Classifier``, on the network and windows that will serve, never in torch.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toxicity_ml import evaluation
from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import DataError
from toxicity_ml.inference.windows import MAX_LENGTH, STRIDE
from toxicity_ml.labels import SINGLE_LABEL
from toxicity_ml.manifest import INT8, VERSION_FILES, Manifest, file_sha256
from toxicity_ml.network import load_tokenizer, saved_labels, saved_symbols_in_words, saved_task
from toxicity_ml.publishing.directories import check_is_new, to_go_on_from
from toxicity_ml.publishing.export import export_onnx
from toxicity_ml.publishing.golden import golden_texts
from toxicity_ml.publishing.reading import undoes_disguises
from toxicity_ml.publishing.scaling import moved_scale
from toxicity_ml.publishing.threshold_sets import BALANCED, set_rates, threshold_sets
from toxicity_ml.window_pooling import WINDOW_TEMPERATURE

if TYPE_CHECKING:
    from datasets import Dataset

ENGLISH = ("en",)
"""The languages of a version that names none."""
PARITY_TEXTS = 500
"""Validation texts on which the int8 model is compared with the trained one."""


def publish_version(
    checkpoint: Path,
    out: Path,
    *,
    name: str,
    version: str,
    validation: "Dataset",
    base_model: str,
    training: Mapping[str, Any] | None = None,
    inherit: Manifest | None = None,
    keep_calibration: bool = False,
    languages: Sequence[str] | None = None,
    parity_texts: Sequence[str] | None = None,
    betas: Mapping[str, float] | None = None,
    progress: bool = False,
) -> Manifest:
    """Make the model version directory ``out`` of a checkpoint that training wrote.

    validation: rows with ``text``, ``labels``, ``weight``; the weights should make them stand for the
    population that will be screened, because calibration and thresholds follow them. A label with fewer than
    ``evaluation.MIN_POSITIVES`` positives or negatives there takes calibration and threshold from ``inherit``
    where one is given. So does the version its scale of Perspective, which holds as far as scores still mean
    the same. keep_calibration: True takes every label's from ``inherit``, for validation rows that do not
    stand for the population, as those that a queue brought up. languages: BCP 47 tags; None: those of
    ``inherit``, or English. parity_texts: on which the int8 network is held to the trained one, so that
    versions compare; None: those of ``validation``. betas: how many times as much recall counts as precision
    in a label's threshold; 1 where nothing is said.

    ``out`` appears whole or not at all. Raises DataError when it exists and when there is no calibration to
    keep, ExportRefused when int8 strays.
    """
    check_is_new(out)
    if keep_calibration and (inherit is None or inherit.labels != saved_labels(checkpoint)):
        raise DataError("There is no version of the same labels whose calibration could be kept.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as place:
        staging = Path(place) / out.name
        staging.mkdir()
        for file in ("config.json", "model.safetensors", "tokenizer.json"):
            shutil.copyfile(checkpoint / file, staging / file)
        reading = _reading(checkpoint, inherit, languages)
        parity = export_onnx(
            checkpoint,
            staging,
            spread(list(validation["text"] if parity_texts is None else parity_texts), PARITY_TEXTS),
            max_length=reading["max_length"],
            stride=reading["stride"],
            both_forms=reading["disguises"],
            precision=reading["precision"],
        )
        labels = saved_labels(checkpoint)
        draft = Manifest(
            name=name,
            version=version,
            base_model=base_model,
            labels=labels,
            thresholds=dict.fromkeys(labels, 0.5),
            calibration={label: {"slope": 1.0, "intercept": 0.0} for label in labels},
            training={**(training or {}), **_scale_note(inherit)},
            task=saved_task(checkpoint),
            symbols_in_words=saved_symbols_in_words(checkpoint),
            window_temperature=WINDOW_TEMPERATURE,
            **reading,
            **_inherited(inherit, languages),
        )
        manifest = finished(
            draft,
            staging,
            validation,
            inherit,
            {"int8_parity": parity},
            is_same_network=False,
            keep_calibration=keep_calibration,
            betas=betas,
            progress=progress,
        )
        staging.rename(out)
    return manifest


def recalibrate(
    directory: Path,
    out: Path,
    *,
    version: str,
    validation: "Dataset",
    name: str | None = None,
    progress: bool = False,
) -> Manifest:
    """Make a further version of one: the same network, calibration and thresholds fitted on these rows.

    Its windows are taken together as in every version that is published now. validation: as in
    ``publish_version``; a label with fewer than ``evaluation.MIN_POSITIVES`` positives or negatives there
    keeps what it has, which for a version of another ``window_temperature`` is an approximation. name: None
    keeps the version's own.

    ``out`` appears whole or not at all. Raises DataError when it exists, when the new version would be called
    as this one, and when the rows are too few for every label; ModelNotFound or ModelDamaged for the version.
    """
    manifest = to_go_on_from(directory, out, name, version)
    if not fitted_labels(manifest, np.asarray(validation["labels"], dtype=np.float64)):
        raise DataError(
            f"The rows are too few to fit anything: a label needs {evaluation.MIN_POSITIVES} rows with it "
            "and as many without."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as place:
        staging = Path(place) / out.name
        staging.mkdir()
        for file in VERSION_FILES:
            shutil.copyfile(directory / file, staging / file)
        draft = replace(
            manifest,
            name=name or manifest.name,
            version=version,
            window_temperature=WINDOW_TEMPERATURE,
            training={
                **manifest.training,
                "calibrated_from": [
                    *_listed(manifest.training.get("calibrated_from")),
                    f"{manifest.name}@{manifest.version}",
                ],
            },
            canned=(),
            files={},
        )
        kept = {key: value for key, value in manifest.metrics.items() if key == "int8_parity"}
        after = finished(draft, staging, validation, manifest, kept, is_same_network=True, progress=progress)
        staging.rename(out)
    return after


def fitted_labels(manifest: Manifest, targets: np.ndarray) -> tuple[str, ...]:
    """The labels that can be fitted on these rows: MIN_POSITIVES with each and as many without it. Of one of
    several classes all or none, by the rows that have a class. targets: float (n, n_labels), NaN masked."""
    if manifest.task == SINGLE_LABEL:
        known = ~np.isnan(targets).any(axis=1)
        return manifest.labels if known.sum() >= evaluation.MIN_POSITIVES else ()
    positives, negatives = (targets >= 0.5).sum(axis=0), (targets < 0.5).sum(axis=0)
    enough = np.minimum(positives, negatives) >= evaluation.MIN_POSITIVES
    return tuple(label for label, is_enough in zip(manifest.labels, enough, strict=True) if is_enough)


def finished(
    draft: Manifest,
    staging: Path,
    validation: "Dataset",
    inherit: Manifest | None,
    metrics: Mapping[str, Any],
    *,
    is_same_network: bool,
    keep_calibration: bool = False,
    betas: Mapping[str, float] | None = None,
    progress: bool,
) -> Manifest:
    """Calibrate, measure, sign and write the manifest of a version whose files are in place.

    inherit: what labels with too few rows keep. is_same_network: True where it has the same network, so that
    its scale of Perspective is carried over.
    """
    targets = np.asarray(validation["labels"], dtype=np.float64)
    weights = np.asarray(validation["weight"], dtype=np.float64)
    draft.save(staging)
    logits = Classifier.load(staging, verify=False).logits(list(validation["text"]), progress=progress)
    if keep_calibration and inherit is not None:
        draft = replace(
            draft,
            calibration=inherit.calibration,
            thresholds=inherit.thresholds,
            threshold_sets=inherit.threshold_sets,
        )
    else:
        draft = calibrated(draft, logits, targets, weights, inherit, betas)
        draft = with_threshold_sets(draft, logits, targets, weights, inherit)
    if inherit is not None and is_same_network:
        draft = replace(draft, perspective_scale=moved_scale(inherit, draft))
    draft = replace(draft, metrics={**validation_metrics(draft, logits, targets, weights), **metrics})
    return signed(draft, staging)


def calibrated(
    draft: Manifest,
    logits: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    inherit: Manifest | None = None,
    betas: Mapping[str, float] | None = None,
) -> Manifest:
    """The manifest with Platt calibration and thresholds fitted on these rows.

    logits, targets: float (n, n_labels), NaN targets masked. weights: float (n,). A single-label version gets
    one temperature for all its classes, and thresholds that only say that it has none. betas: by label;
    thresholds are where the expected F-beta is greatest (``evaluation.best_threshold``), F1 by default.
    """
    if draft.task == SINGLE_LABEL:
        slope = 1 / evaluation.fit_temperature(logits, targets, weights)
        return replace(
            draft,
            calibration={label: {"slope": slope, "intercept": 0.0} for label in draft.labels},
            thresholds=dict.fromkeys(draft.labels, 0.5),
        )
    enough = fitted_labels(draft, targets)
    calibration: dict[str, dict[str, float]] = {}
    thresholds: dict[str, float] = {}
    for index, label in enumerate(draft.labels):
        known = ~np.isnan(targets[:, index])
        truth = targets[known, index] >= 0.5
        if label not in enough and inherit is not None:
            calibration[label] = dict(inherit.calibration[label])
            thresholds[label] = float(inherit.thresholds[label])
            continue
        slope, intercept = evaluation.fit_platt(logits[known, index], truth, weights[known])
        calibration[label] = {"slope": slope, "intercept": intercept}
        probabilities = evaluation.sigmoid(slope * logits[:, index] + intercept)
        beta = (betas or {}).get(label, 1.0)
        thresholds[label] = round(evaluation.best_threshold(probabilities, weights, beta=beta), 4)
    return replace(draft, calibration=calibration, thresholds=thresholds)


def with_threshold_sets(
    draft: Manifest,
    logits: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    inherit: Manifest | None,
) -> Manifest:
    """The calibrated manifest with its named sets, whose balanced one its thresholds are. One of several
    classes has none."""
    if draft.task == SINGLE_LABEL:
        return draft
    sets = threshold_sets(draft, _scores(draft, logits), targets, weights, inherit)
    return replace(draft, thresholds=sets[BALANCED], threshold_sets=sets)


def _scores(manifest: Manifest, logits: np.ndarray) -> np.ndarray:
    """Calibrated scores of a version with several labels, float (n, n_labels)."""
    slopes = np.array([manifest.calibration[label]["slope"] for label in manifest.labels])
    intercepts = np.array([manifest.calibration[label]["intercept"] for label in manifest.labels])
    return np.asarray(evaluation.sigmoid(slopes * logits + intercepts))


def validation_metrics(
    manifest: Manifest, logits: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> dict[str, Any]:
    """What the manifest records as metrics: ``evaluation.evaluate`` and calibration figures on these rows."""
    labels = manifest.labels
    if manifest.task == SINGLE_LABEL:
        slopes = np.array([manifest.calibration[label]["slope"] for label in labels])
        measured = evaluation.evaluate_classes(
            evaluation.softmax(logits * slopes), targets, labels, weights=weights
        )
        return {"validation": measured}
    scores = _scores(manifest, logits)
    thresholds = [manifest.thresholds[label] for label in labels]
    report = evaluation.evaluate(scores, targets, thresholds, labels, weights=weights)
    for index, label in enumerate(labels):
        known = ~np.isnan(targets[:, index])
        figures = evaluation.calibration_error(
            scores[known, index], targets[known, index] >= 0.5, weights[known]
        )
        report["labels"][label]["calibration"] = {
            key: None if np.isnan(value) else value for key, value in figures.items()
        }
    return {"validation": report, "threshold_sets": set_rates(manifest, scores, targets, weights)}


def signed(draft: Manifest, staging: Path) -> Manifest:
    """Write the manifest with golden examples and checksums, and prove both by loading the version."""
    draft.save(staging)
    classifier = Classifier.load(staging, verify=False)
    canned = [{"text": text, "scores": classifier.predict(text)} for text in golden_texts(draft.languages)]
    manifest = replace(
        draft, canned=canned, files={name: file_sha256(staging / name) for name in VERSION_FILES}
    )
    manifest.save(staging)
    Classifier.load(staging)  # proves checksums and golden examples before anyone relies on them
    return manifest


def _reading(checkpoint: Path, inherit: Manifest | None, languages: Sequence[str] | None) -> dict[str, Any]:
    """How a version reads and computes: as the one that training went on from, since an imported one may have
    a tokenizer to which today's way does not apply; otherwise by its own tokenizer and languages."""
    if inherit is not None:
        return {name: getattr(inherit, name) for name in ("max_length", "stride", "disguises", "precision")}
    disguises = undoes_disguises(load_tokenizer(checkpoint), languages or ENGLISH)
    return {"max_length": MAX_LENGTH, "stride": STRIDE, "disguises": disguises, "precision": INT8}


def _inherited(inherit: Manifest | None, languages: Sequence[str] | None) -> dict[str, Any]:
    """What a version's manifest takes over from the one that training went on from."""
    taken: dict[str, Any] = {} if languages is None else {"languages": tuple(languages)}
    if inherit is None:
        return taken
    return {"languages": inherit.languages, "perspective_scale": inherit.perspective_scale, **taken}


def _scale_note(inherit: Manifest | None) -> dict[str, str]:
    """What ``training`` says of a scale that was fitted to another network's scores."""
    if inherit is None or not inherit.perspective_scale:
        return {}
    return {"perspective_scale": f"of {inherit.name}@{inherit.version}, not fitted anew"}


def _listed(names: str | Sequence[str] | None) -> Sequence[str]:
    """The versions that a manifest names; minilm-toxicity@3 names one as it is."""
    return [names] if isinstance(names, str) else names or ()


def spread(texts: Sequence[str], count: int) -> list[str]:
    """``count`` texts evenly spaced over the rows, all of them where there are fewer."""
    if len(texts) <= count:
        return list(texts)
    return [texts[round(index * (len(texts) - 1) / (count - 1))] for index in range(count)]
