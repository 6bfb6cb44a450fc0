"""Reads, checks and writes manifest.json, the record of a model version: its files and their sha256, its
calibration and thresholds, and how it was made.

A site's app reads the same file by rules of its own (``moderation.versions.artifacts``), because a web
process does without this library."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from toxicity_ml.errors import ModelDamaged, ModelNotFound
from toxicity_ml.labels import MULTI_LABEL, SINGLE_LABEL, TASKS
from toxicity_ml.language_tags import is_language_tag
from toxicity_ml.window_pooling import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE, is_temperature

MANIFEST_NAME = "manifest.json"
VERSION_FILES = ("config.json", "model.onnx", "model.safetensors", "tokenizer.json")
"""What a model version directory holds beside its manifest."""
INT8, FLOAT32 = "int8", "float32"
PRECISIONS = (INT8, FLOAT32)
"""What the served network computes in."""
_REPUBLISH = "Fetch or publish this model version again."


@dataclass(frozen=True)
class Manifest:
    """manifest.json of a model version directory. Never changed once published."""

    name: str
    version: str
    base_model: str
    labels: tuple[str, ...]
    """In the order of the model's outputs."""
    max_length: int
    """Tokens of a window, special tokens included."""
    stride: int
    """Tokens from the start of a longer text's window to the start of the next (not: their overlap)."""
    thresholds: Mapping[str, float]
    """Score from which a label counts."""
    calibration: Mapping[str, Mapping[str, float]]
    """Platt scaling per label: probability = sigmoid(slope * logit + intercept)."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    canned: Sequence[Mapping[str, Any]] = ()
    """Golden examples: texts with the scores that this version gave them where it was published, {"text",
    "scores"}."""
    files: Mapping[str, str] = field(default_factory=dict)
    """sha256 of every other file of the directory, by relative name."""
    training: Mapping[str, Any] = field(default_factory=dict)
    task: str = MULTI_LABEL
    """``multi_label``: a sigmoid for each label. ``single_label``: a softmax over the labels, of which a text
    has one, the likeliest; calibration has one slope and no intercepts (temperature scaling, Guo et al.
    2017), and thresholds are not used."""

    window_temperature: float = 0.0
    """The temperature of ``window_pooling.pool_windows``; 0, as in versions that do not name it: the highest
    window counts."""

    languages: tuple[str, ...] = ("en",)
    """BCP 47 tags of the languages whose texts it can score, the commonest first; English in versions that do
    not name them."""
    disguises: bool = True
    """True: disguised words are undone and the text is scored in that reading, too, where the task has
    several labels. For English in pieces of words; an imported version of other languages or tokens has
    False."""
    precision: str = INT8
    """What model.onnx computes in: ``int8``, or ``float32`` in an imported version that int8 can't follow."""
    symbols_in_words: bool = False
    """True where emoji and other symbols that the tokenizer lacks are put into words before it
    (``text.symbols``); no version that was trained without them reads them so."""
    threshold_sets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Thresholds by label of each named set that a site may choose instead of ``thresholds``
    (``publishing.threshold_sets``); none in versions that do not name any."""
    perspective_scale: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    """Points of a map from a label's score to that of the Perspective API, by label
    (``perspective.scale.Scale``); none where it was never fitted."""

    @property
    def reads_both_forms(self) -> bool:
        """True where a text with disguised words is read undisguised, too."""
        return self.disguises and self.task != SINGLE_LABEL

    @classmethod
    def load(cls, directory: str | Path) -> "Manifest":
        """Read manifest.json. Raises ModelNotFound or ModelDamaged, naming the file."""
        path = Path(directory) / MANIFEST_NAME
        try:
            content = json.loads(_read(path))
            known = {entry.name for entry in fields(cls)}
            manifest = cls(**{key: value for key, value in content.items() if key in known})
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ModelDamaged(f"{path} is not a manifest. {_REPUBLISH}") from error
        return manifest._checked(path)

    def save(self, directory: str | Path) -> None:
        """Write manifest.json, the same bytes for the same content."""
        content = json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False)
        (Path(directory) / MANIFEST_NAME).write_text(content + "\n", encoding="utf-8")

    def verify(self, directory: str | Path) -> None:
        """Compare every file with its sha256. Raises ModelNotFound or ModelDamaged, naming the file."""
        for name, expected in sorted(self.files.items()):
            path = Path(directory) / name
            if file_sha256(path) != expected:
                raise ModelDamaged(f"{path} is damaged: its sha256 is not the manifest's. {_REPUBLISH}")

    def _checked(self, path: Path) -> "Manifest":
        """The manifest with its types put right. Raises ModelDamaged where it contradicts itself."""

        def damaged(what: str) -> ModelDamaged:
            return ModelDamaged(f"{path}: {what}. {_REPUBLISH}")

        if not self.labels or not all(isinstance(label, str) for label in self.labels):
            raise damaged("labels are not a list of names")
        for name in self.files:
            if Path(name).name != name or name in ("", ".", "..", MANIFEST_NAME):
                raise damaged("files names something outside the directory")
        try:
            for label in self.labels:
                _ = float(self.thresholds[label])
                _ = float(self.calibration[label]["slope"]), float(self.calibration[label]["intercept"])
            canned = [(str(entry["text"]), dict(entry["scores"])) for entry in self.canned]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise damaged(
                "a label lacks its threshold or calibration, or a canned text its scores"
            ) from error
        if any(set(scores) != set(self.labels) for _, scores in canned):
            raise damaged("a canned text has scores for other labels")
        if not (isinstance(self.max_length, int) and isinstance(self.stride, int)):
            raise damaged("max_length and stride are not whole numbers")
        if not isinstance(self.disguises, bool) or self.precision not in PRECISIONS:
            raise damaged(
                f"disguises is neither true nor false, or precision none of {', '.join(PRECISIONS)}"
            )
        if self.task not in TASKS:
            raise damaged(f"task is neither {MULTI_LABEL} nor {SINGLE_LABEL}")
        if not 0 < self.stride <= self.max_length - 2:
            raise damaged("windows would leave tokens out: stride must be from 1 to max_length - 2")
        if not is_temperature(self.window_temperature):
            raise damaged(
                f"window_temperature is neither 0 nor from {LOWEST_TEMPERATURE} to {HIGHEST_TEMPERATURE}"
            )
        languages = self.languages if isinstance(self.languages, list | tuple) else ()
        if not languages or not all(is_language_tag(tag) for tag in languages):
            raise damaged("languages is no list of language tags")
        if not isinstance(self.symbols_in_words, bool):
            raise damaged("symbols_in_words is neither true nor false")
        if not _are_threshold_sets(self.threshold_sets, self.labels):
            raise damaged("threshold_sets has no number from 0 to 1 for each label of each of its sets")
        scale = self.perspective_scale
        if not isinstance(scale, Mapping) or not set(scale) <= set(self.labels):
            raise damaged("perspective_scale is no object with maps of its labels")
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "languages", tuple(self.languages))
        return self


def _are_threshold_sets(sets: Any, labels: Sequence[str]) -> bool:
    """True where each set is an object with a number from 0 to 1 for each label."""
    return isinstance(sets, Mapping) and all(
        isinstance(numbers, Mapping)
        and set(numbers) == set(labels)
        and all(isinstance(number, int | float) and 0 <= number <= 1 for number in numbers.values())
        for numbers in sets.values()
    )


def manifest_sha256(directory: str | Path) -> str:
    """sha256 of manifest.json: through its ``files`` it stands for the whole version. Raises
    ModelNotFound."""
    return file_sha256(Path(directory) / MANIFEST_NAME)


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes. Raises ModelNotFound, naming the file."""
    return hashlib.sha256(_read(path)).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        missing = path if path.parent.is_dir() else path.parent
        raise ModelNotFound(
            f"{missing} is missing. Give a model version's directory, or publish one there."
        ) from error
    except OSError as error:
        raise ModelDamaged(f"{path} cannot be read ({type(error).__name__}).") from error
