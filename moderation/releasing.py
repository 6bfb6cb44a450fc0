"""The old place of `moderation.visibility.release`, until 0.2."""

import warnings

from moderation.visibility.releasing import release

__all__ = ["release"]

warnings.warn(
    "moderation.releasing goes with 0.2: from moderation.visibility import release",
    DeprecationWarning,
    stacklevel=2,
)
