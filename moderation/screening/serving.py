"""The old name of `moderation.screening.model`, which tests of sites may patch; it goes with 0.2."""

from __future__ import annotations

import warnings
from typing import Any

from moderation.screening.model import LoadedModel


def __getattr__(name: str) -> Any:
    if name != "Served":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        "moderation.screening.serving.Served is moderation.screening.model.LoadedModel now.",
        DeprecationWarning,
        stacklevel=2,
    )
    return LoadedModel
