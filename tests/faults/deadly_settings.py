"""Settings of a worker that one text kills: its process dies of it, as of a bug in native code."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from tests.faults.worker_settings import *  # noqa: F403
from toxicity_ml.classifier import Classifier

DEADLY = "deadly"

_predict = Classifier.predict


def _predict_or_die(self: Classifier, texts: str | Sequence[str], **options: Any) -> Any:
    if any(DEADLY in text for text in texts):
        ctypes.string_at(0)  # SIGSEGV
    return _predict(self, texts, **options)


Classifier.predict = _predict_or_die  # type: ignore[assignment,method-assign]
