"""Trains several recipes on the same rows and compares them on the same validation rows, with paired
intervals. Finished trainings are kept on disk, so that an interrupted comparison goes on."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toxicity_ml.activations import softmax
from toxicity_ml.errors import DataError
from toxicity_ml.evaluation import MIN_POSITIVES, RESAMPLES, Interval, ranking_metrics
from toxicity_ml.labels import SINGLE_LABEL
from toxicity_ml.training.options import TrainingOptions

if TYPE_CHECKING:
    from datasets import Dataset

CLEAR = "clear"
"""The class of a text without any label, where labels are made into one of several classes."""
BASELINE = "tf-idf"
"""Kind of an arm that is no transformer: see ``baseline.TfidfBaseline``."""
SHORTHAND = {"kind", "rows", "exclude"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arm:
    """One recipe of a comparison."""

    name: str
    options: TrainingOptions
    kind: str = "transformer"
    """``transformer`` or ``tf-idf``."""
    rows: int | None = None
    """Rows to train on, the first of a shuffled order that all arms share; None: all."""
    exclude: str | None = None
    """Leave out the rows of this ``sample``."""

    @classmethod
    def parse(cls, text: str, start: TrainingOptions) -> "Arm":
        """``NAME`` or ``NAME:key=value,key=value``, keys being those of TrainingOptions, ``kind``, ``rows``
        or ``exclude``; a ``+`` stands for the comma within a value. Raises DataError for anything else.
        """
        name, _, rest = text.partition(":")
        kinds = {field.name: field.type for field in fields(TrainingOptions)}
        given: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for part in filter(None, rest.split(",")):
            key, equals, value = part.partition("=")
            key = key.replace("-", "_")
            if not equals or key not in kinds.keys() | SHORTHAND:
                raise DataError(
                    f"Recipe {name}: {part!r} is not KEY=VALUE with a key of the training options."
                )
            value = value.replace("+", ",")
            if key in SHORTHAND:
                own[key] = int(value) if key == "rows" else value
            else:
                given[key] = _typed(value, getattr(start, key), str(kinds[key]), f"Recipe {name}: {part!r}")
        if not name or own.get("kind", "transformer") not in ("transformer", BASELINE):
            raise DataError(f"{text!r} is no recipe: NAME, or NAME:key=value,key=value.")
        try:
            return cls(name, replace(start, **given), **own)
        except ValueError as error:
            raise DataError(f"Recipe {name}: {error}") from error


@dataclass(frozen=True)
class Trained:
    """An arm's scores of the validation rows."""

    arm: Arm
    scores: np.ndarray
    """float (seeds, n, n_labels), uncalibrated, comparable within a label."""
    seconds: float
    """Of training, mean of the seeds."""


def compare(
    arms: Sequence[Arm],
    training: "Dataset",
    validation: "Dataset",
    place: Path,
    *,
    seeds: int = 1,
    resamples: int = RESAMPLES,
    say: Callable[[str], None] = logger.info,
) -> dict[str, Any]:
    """Train every arm with every seed and say how its average precision differs from the first arm's.

    training, validation: rows as ``corpora.load`` gives them. place: where finished trainings are kept.
    Returns JSON-ready ``{"rows", "validation_rows", "labels", "baseline", "arms": [{"name", "changes",
    "seconds", "average_precision": {label: {value, low, high} or None}, "mean": {...}, "difference":
    {"mean": {...}, "labels": {...}}, "finding"}]}``. Labels with fewer than MIN_POSITIVES positives have no
    figure and stay out of the mean.
    """
    if len({arm.name for arm in arms}) != len(arms):
        raise DataError("Two recipes have the same name.")
    labels = arms[0].options.labels
    trained = []
    for arm in arms:
        say(f"{arm.name}: {_changes(arm, arms[0])}")
        trained.append(_trained(arm, training, validation, place, seeds))
    targets = np.asarray(validation["labels"], dtype=np.float64)
    weights = np.asarray(validation["weight"], dtype=np.float64)
    resampled = [_resampled(found.scores, targets, weights, resamples) for found in trained]
    return {
        "rows": len(training),
        "validation_rows": len(validation),
        "labels": list(labels),
        "baseline": arms[0].name,
        "seeds": seeds,
        "arms": [
            _entry(found, arms[0], values, resampled[0], labels)
            for found, values in zip(trained, resampled, strict=True)
        ],
    }


def as_single_label(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One class for each row: its rarest label, or none of them.

    targets: float (n, n_labels). Returns one-hot float (n, 1 + n_labels), the first class being *clear*, and
    float (1 + n_labels, n_labels), the share of each class's rows that have each label: with it, class
    probabilities give a probability of each label again.
    """
    positive = np.nan_to_num(targets) >= 0.5
    order = np.argsort(positive.mean(axis=0), kind="stable")
    classes = np.zeros(len(targets), dtype=int)
    for label in order[::-1]:  # the rarest is written last
        classes[positive[:, label]] = label + 1
    one_hot = np.eye(targets.shape[1] + 1)[classes]
    counts = one_hot.sum(axis=0)[:, None]
    shares = one_hot.T @ positive / np.maximum(counts, 1)
    return one_hot, shares


def _trained(arm: Arm, training: "Dataset", validation: "Dataset", place: Path, seeds: int) -> Trained:
    scores, seconds = [], []
    for seed in range(arm.options.seed, arm.options.seed + seeds):
        seeded = replace(arm, options=replace(arm.options, seed=seed))
        rows = _rows_of(seeded, training)
        key = _key(seeded, rows, validation)
        file = place / f"{arm.name}-{seed}-{key}.npz"
        if not file.is_file():
            began = time.monotonic()
            trained = (
                _baseline(rows, validation)
                if arm.kind == BASELINE
                else _scores(seeded, rows, validation, file)
            )
            place.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_suffix(".part.npz")
            np.savez_compressed(unfinished, scores=trained, seconds=time.monotonic() - began)
            unfinished.replace(file)
        with np.load(file, allow_pickle=False) as kept:
            scores.append(kept["scores"])
            seconds.append(float(kept["seconds"]))
    return Trained(arm, np.stack(scores), float(np.mean(seconds)))


def _rows_of(arm: Arm, training: "Dataset") -> "Dataset":
    rows = training
    if arm.exclude is not None:
        kept = [index for index, sample in enumerate(rows["sample"]) if sample != arm.exclude]
        rows = rows.select(kept)
    if arm.rows is not None and arm.rows < len(rows):
        rows = rows.shuffle(seed=0).select(range(arm.rows))
    if not len(rows):
        raise DataError(f"Recipe {arm.name} leaves no rows to train on.")
    return rows


def _key(arm: Arm, rows: "Dataset", validation: "Dataset") -> str:
    """Name a kept result by what it was made of. Options at their defaults are left out, so that a new option
    does not make every kept result worthless."""
    defaults = asdict(TrainingOptions())
    unusual = {name: value for name, value in asdict(arm.options).items() if value != defaults[name]}
    for name in ("progress", "resume"):
        unusual.pop(name, None)
    digest = hashlib.sha256(json.dumps([arm.kind, unusual], sort_keys=True).encode())
    for part in (rows, validation):
        digest.update(np.asarray(part["labels"], dtype=np.float32).tobytes())
        digest.update("\0".join(part["text"]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:12]


def _scores(arm: Arm, rows: "Dataset", validation: "Dataset", file: Path) -> np.ndarray:
    from toxicity_ml.training.checkpoint_scores import checkpoint_logits
    from toxicity_ml.training.fine_tune import train

    options, shares = arm.options, None
    scored = validation
    if options.task == SINGLE_LABEL:
        one_hot, shares = as_single_label(np.asarray(rows["labels"], dtype=np.float64))
        options = replace(options, labels=(CLEAR, *options.labels))
        rows = _with_labels(rows, one_hot)
        validation = _with_labels(
            validation, as_single_label(np.asarray(validation["labels"], dtype=np.float64))[0]
        )
    checkpoint = train(rows, validation, file.with_suffix(".work"), options)
    logits = checkpoint_logits(checkpoint, list(scored["text"]), options.max_length)
    _discard(checkpoint)
    if shares is None:
        return logits
    by_label: np.ndarray = softmax(logits) @ shares
    return by_label


def _with_labels(rows: "Dataset", labels: np.ndarray) -> "Dataset":
    return rows.remove_columns("labels").add_column("labels", labels.tolist())


def _discard(checkpoint: Path) -> None:
    import shutil

    shutil.rmtree(checkpoint, ignore_errors=True)


def _baseline(rows: "Dataset", validation: "Dataset") -> np.ndarray:
    from toxicity_ml.baseline import TfidfBaseline

    baseline = TfidfBaseline().fit(list(rows["text"]), np.asarray(rows["labels"], dtype=np.float64))
    return baseline.predict_array(list(validation["text"]))


def _resampled(
    scores: np.ndarray, targets: np.ndarray, weights: np.ndarray, resamples: int
) -> dict[int, np.ndarray]:
    """Average precision, mean of the seeds, on the rows and on each resample:
    {label: float (1 + resamples,)}.

    The draws are the same for every arm.
    """
    generator = np.random.default_rng(0)
    draws = generator.multinomial(len(targets), np.full(len(targets), 1 / len(targets)), size=resamples)
    every = np.concatenate([weights[None, :], draws * weights[None, :]])
    by_label = {}
    for label in range(targets.shape[1]):
        known = ~np.isnan(targets[:, label])
        truth = targets[known, label] >= 0.5
        if truth.sum() >= MIN_POSITIVES:
            by_seed = [ranking_metrics(truth, one[known, label], every[:, known])[1] for one in scores]
            by_label[label] = np.mean(by_seed, axis=0)
    return by_label


def _entry(
    found: Trained,
    first: Arm,
    values: Mapping[int, np.ndarray],
    baseline: Mapping[int, np.ndarray],
    labels: Sequence[str],
) -> dict[str, Any]:
    if not values:
        raise DataError(
            f"No label has {MIN_POSITIVES} positives in the validation rows: nothing to compare by."
        )
    mean, base = (np.mean(list(each.values()), axis=0) for each in (values, baseline))
    difference = _interval(mean - base)
    return {
        "name": found.arm.name,
        "changes": _changes(found.arm, first),
        "seconds": round(found.seconds, 1),
        "average_precision": {
            label: _interval(values[index]) if index in values else None for index, label in enumerate(labels)
        },
        "mean": _interval(mean),
        "difference": {
            "mean": difference,
            "labels": {labels[index]: _interval(values[index] - baseline[index]) for index in values},
        },
        "finding": "baseline" if found.arm.name == first.name else _finding(difference),
    }


def _finding(difference: Mapping[str, float]) -> str:
    if difference["low"] > 0:
        return "better"
    return "worse" if difference["high"] < 0 else "no difference shown"


def _interval(values: np.ndarray) -> dict[str, float]:
    low, high = np.nanpercentile(values[1:], [2.5, 97.5]) if len(values) > 1 else (values[0], values[0])
    return asdict(Interval(float(values[0]), float(low), float(high)))


def _changes(arm: Arm, first: Arm) -> str:
    """Describe how an arm differs from the first one, or the first from the defaults."""
    other = TrainingOptions() if arm.name == first.name else first.options
    changes = [
        f"{name}={value}"
        for name, value in asdict(arm.options).items()
        if value != getattr(other, name) and name not in ("progress", "resume", "labels")
    ]
    changes += [
        f"{name}={getattr(arm, name)}" for name in ("rows", "exclude") if getattr(arm, name) is not None
    ]
    return arm.kind if arm.kind == BASELINE else ", ".join(changes) or "the defaults"


def _typed(value: str, default: Any, kind: str, where: str) -> Any:
    try:
        if "bool" in kind:
            return {"true": True, "false": False, "none": None}[value.lower()]
        if "None" in kind and value.lower() == "none":
            return None
        if isinstance(default, int) and not isinstance(default, bool):
            return int(value)
        return float(value) if "float" in kind else value
    except (ValueError, KeyError) as error:
        raise DataError(f"{where} is not a value for it.") from error
