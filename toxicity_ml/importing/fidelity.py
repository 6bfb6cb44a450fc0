"""Holds the scores that a version serves against those that transformers itself gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import ExportRefused
from toxicity_ml.importing.checkpoint import Checkpoint
from toxicity_ml.importing.label_names import Outputs
from toxicity_ml.inference.windows import WindowEncoder
from toxicity_ml.manifest import Manifest
from toxicity_ml.text.repair import repair_encoding

TEXTS = 40
"""Texts that are scored in both ways."""


def compared(
    checkpoint: Checkpoint, outputs: Outputs, task: str, directory: Path, texts: Sequence[str], limit: float
) -> dict[str, Any]:
    """Score texts by the version in ``directory``, not calibrated yet, and by the checkpoint, and return how
    far they are apart: ``texts``, ``largest_difference``, ``mean_difference``.

    Only texts that both read to the letter: within one window, with nothing to repair and no disguise. Raises
    ExportRefused where the tokens of one differ, or a score by more than ``limit``.
    """
    manifest = Manifest.load(directory)
    encoder = WindowEncoder.of(directory, manifest)
    chosen = [text for text in texts if _is_read_to_the_letter(encoder, text)][:TEXTS]
    for text in chosen:
        if encoder.windows(text)[0].tolist() != checkpoint.token_ids(text):
            raise ExportRefused(
                "The tokenizer gives other tokens than that of transformers, so the scores would be others. "
                "Is tokenizer.json that of this checkpoint?"
            )
    own = checkpoint.scores(chosen, task)[:, list(outputs.places)]
    served = Classifier.load(directory, verify=False).predict_array(chosen)
    differences = np.abs(own - served)
    if not differences.max() <= limit:
        raise ExportRefused(
            f"The served scores are up to {differences.max():.4f} from the checkpoint's own; at most {limit} "
            "is allowed."
        )
    return {
        "texts": len(chosen),
        "largest_difference": round(float(differences.max()), 6),
        "mean_difference": round(float(differences.mean()), 6),
    }


def _is_read_to_the_letter(encoder: WindowEncoder, text: str) -> bool:
    is_plain = repair_encoding(text, breaks_words=False).text == text and len(encoder.forms(text)) == 1
    return is_plain and len(encoder.windows(text)) == 1
