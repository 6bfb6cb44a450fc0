"""Imports a sequence-classification checkpoint of transformers as a model version."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from toxicity_ml.errors import DataError, ExportRefused
from toxicity_ml.importing.checkpoint import FAMILIES, Checkpoint, open_checkpoint
from toxicity_ml.importing.conversion import converted
from toxicity_ml.importing.fidelity import compared
from toxicity_ml.importing.label_names import Outputs, outputs, task_of
from toxicity_ml.importing.samples import sample_texts
from toxicity_ml.labels import MULTI_LABEL
from toxicity_ml.language_tags import is_language_tag
from toxicity_ml.manifest import FLOAT32, INT8, Manifest
from toxicity_ml.network import save_model
from toxicity_ml.publishing.directories import check_is_new
from toxicity_ml.publishing.export import MAX_FLOAT_DIFFERENCE, export_onnx
from toxicity_ml.publishing.publish import finished, signed, spread
from toxicity_ml.publishing.reading import undoes_disguises
from toxicity_ml.window_pooling import WINDOW_TEMPERATURE

if TYPE_CHECKING:
    from datasets import Dataset

AUTO = "auto"
CLOSE = 0.003
"""``auto`` serves int8 where no score of the sample is further from the checkpoint's own, else float32."""
INT8_LIMIT = 0.1
"""How far a single score may be under ``int8``, whose limits are on means: as in ``inference.loading``."""
PARITY_TEXTS = 100
"""Sample texts on which the served network is compared with the one in torch."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How to import."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """{the checkpoint's name of an output: ours}; empty leaves it out. See ``label_names.outputs``."""
    task: str | None = None
    """``multi_label`` or ``single_label``, where the checkpoint does not say."""
    name: str | None = None
    """None: the directory's."""
    version: str = "1"
    languages: tuple[str, ...] = ("en",)
    precision: str = AUTO
    """``int8``, ``float32``, or ``auto``: int8 where it keeps to the checkpoint's scores within CLOSE."""
    max_length: int | None = None
    """Tokens of a window; None: as many as the checkpoint reads of a text."""


@dataclass(frozen=True)
class Imported:
    """What was made of a checkpoint."""

    manifest: Manifest
    outputs: Outputs
    fidelity: Mapping[str, Any]
    """As ``fidelity.compared`` gives it."""
    is_calibrated: bool


def import_checkpoint(
    directory: Path,
    out: Path,
    options: Options,
    read_rows: Callable[[tuple[str, ...]], Dataset] | None = None,
    *,
    progress: bool = False,
) -> Imported:
    """Make the model version directory ``out`` of a checkpoint.

    read_rows: is given the labels that come out, and returns rows with ``text``, ``labels`` in that order and
    ``weight``, to calibrate and to set thresholds by. A label with too few rows keeps the checkpoint's own
    scores and the threshold 0.5, as all do without rows. The scores are held against transformers' own before
    that.

    ``out`` appears whole or not at all. Raises DataError, ModelNotFound or ModelDamaged for a checkpoint that
    can't be imported, ExportRefused where the served scores are not its own.
    """
    check_is_new(out)
    bad = [tag for tag in options.languages if not is_language_tag(tag)]
    if bad or not options.languages:
        raise DataError(f"{', '.join(bad) or 'Nothing'} is no language tag; write de, en or pt-BR.")
    checkpoint = open_checkpoint(directory, options.max_length)
    task = task_of(checkpoint.problem_type, checkpoint.names, options.task)
    chosen = outputs(checkpoint.names, task, options.labels)
    rows = None if read_rows is None else read_rows(chosen.labels)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as place:
        staging = Path(place) / out.name
        save_model(
            converted(checkpoint, chosen, task),
            checkpoint.tokenizer.backend_tokenizer,
            staging,
            torch.float32,
        )
        draft = _draft(checkpoint, chosen, task, options, staging)
        texts = sample_texts([] if rows is None else spread(list(rows["text"]), PARITY_TEXTS))
        draft, parity = _exported(draft, staging, spread(texts, PARITY_TEXTS), options.precision)
        draft.save(staging)
        limit = {AUTO: CLOSE, INT8: INT8_LIMIT, FLOAT32: MAX_FLOAT_DIFFERENCE}[options.precision]
        fidelity = compared(checkpoint, chosen, task, staging, texts, limit)
        metrics = {f"{draft.precision}_parity": parity, "fidelity": fidelity}
        if rows is None:
            manifest = signed(replace(draft, metrics=metrics), staging)
        else:
            manifest = finished(
                draft, staging, rows, draft, metrics, is_same_network=False, progress=progress
            )
        staging.rename(out)
    return Imported(manifest, chosen, fidelity, rows is not None)


def _draft(checkpoint: Checkpoint, chosen: Outputs, task: str, options: Options, staging: Path) -> Manifest:
    name = options.name or checkpoint.directory.resolve().name
    return Manifest(
        name=name,
        version=options.version,
        base_model=f"{FAMILIES[checkpoint.family]} ({name})",
        labels=chosen.labels,
        max_length=checkpoint.max_length,
        stride=max(1, (checkpoint.max_length - 2) * 2 // 3),
        thresholds=dict.fromkeys(chosen.labels, 0.5),
        calibration={label: {"slope": 1.0, "intercept": 0.0} for label in chosen.labels},
        training={
            "imported": {
                "family": checkpoint.family,
                "task": task,
                "outputs": {
                    checkpoint.names[at]: label
                    for at, label in zip(chosen.places, chosen.labels, strict=True)
                },
                "left_out": list(chosen.left_out),
                "sha256": checkpoint.sha256,
            }
        },
        task=MULTI_LABEL,
        window_temperature=WINDOW_TEMPERATURE,
        languages=options.languages,
        disguises=undoes_disguises(checkpoint.tokenizer.backend_tokenizer, options.languages),
    )


def _exported(
    draft: Manifest, staging: Path, texts: Sequence[str], precision: str
) -> tuple[Manifest, dict[str, Any]]:
    """Write model.onnx; returns the manifest with the precision that it has, and its parity."""

    def export(chosen: str, largest: float | None = None) -> tuple[Manifest, dict[str, Any]]:
        parity = export_onnx(
            staging,
            staging,
            texts,
            max_length=draft.max_length,
            stride=draft.stride,
            both_forms=draft.disguises,
            precision=chosen,
            largest=largest,
        )
        return replace(draft, precision=chosen), parity

    if precision != AUTO:
        return export(precision)
    try:
        return export(INT8, CLOSE)
    except ExportRefused:
        logger.info("int8 does not keep to the checkpoint's scores within %s: float32 is served.", CLOSE)
        return export(FLOAT32)
