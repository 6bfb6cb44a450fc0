"""The old place of `moderation.review.decisions.decide`, until 0.2."""

import warnings

from moderation.review.decisions import decide

__all__ = ["decide"]

warnings.warn(
    "moderation.reviewing goes with 0.2: from moderation.review.decisions import decide",
    DeprecationWarning,
    stacklevel=2,
)
