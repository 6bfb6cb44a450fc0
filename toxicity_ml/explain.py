"""The old place of `toxicity_ml.explanation`, until 0.2."""

import warnings

from toxicity_ml.explanation.api import (
    METHODS,
    Attribution,
    Word,
    attention,
    attention_html,
    attention_png,
    attribute,
    attribution_html,
    attribution_text,
    sum_line,
)

__all__ = [
    "METHODS",
    "Attribution",
    "Word",
    "attention",
    "attention_html",
    "attention_png",
    "attribute",
    "attribution_html",
    "attribution_text",
    "sum_line",
]

warnings.warn(
    "toxicity_ml.explain goes with 0.2: import from toxicity_ml.explanation",
    DeprecationWarning,
    stacklevel=2,
)
