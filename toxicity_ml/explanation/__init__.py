"""Explains a score by its words and the attention heads. Import from here; the modules are private."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
        driving_words,
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
    "driving_words",
    "sum_line",
]


def __getattr__(name: str) -> Any:
    """Import the parts when one is asked for: they load the libraries that serve."""
    if name in __all__:
        return getattr(importlib.import_module("toxicity_ml.explanation.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
