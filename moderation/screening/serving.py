"""The old place of `moderation.screening.model.LoadedModel`, which tests of sites patch, until 0.2."""

import warnings

from moderation.screening.model import LoadedModel as Served

__all__ = ["Served"]

warnings.warn(
    "moderation.screening.serving.Served goes with 0.2: it is moderation.screening.model.LoadedModel",
    DeprecationWarning,
    stacklevel=2,
)
