"""Attributes of the Perspective API, and the labels of a model version that answer for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["PRODUCTION", "base_name", "labels_by_attribute", "scale_names"]

PRODUCTION = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT")
"""The attributes that have a twin with the suffix `_EXPERIMENTAL`."""

_ATTRIBUTES = {
    "toxic": ("TOXICITY",),
    "severe_toxic": ("SEVERE_TOXICITY",),
    "obscene": ("PROFANITY", "OBSCENE"),
    "threat": ("THREAT",),
    "insult": ("INSULT",),
    "identity_hate": ("IDENTITY_ATTACK",),
}
_EXPERIMENTAL = "_EXPERIMENTAL"


@lru_cache(maxsize=32)
def labels_by_attribute(labels: tuple[str, ...]) -> dict[str, str]:
    """Return the attributes that a version with `labels` can serve, each with its label.

    A label of the default model serves the attributes of its name; any other label serves its own name in
    capitals (`spam` serves SPAM). Treat the result as read-only: it is shared.
    """
    known = {name: label for label in labels for name in _ATTRIBUTES.get(label, ())}
    for label in labels:
        if label not in _ATTRIBUTES:
            known.setdefault(_capitals(label), label)
    return known | {f"{name}{_EXPERIMENTAL}": known[name] for name in PRODUCTION if name in known}


def base_name(requested: str) -> str:
    """Return a requested name without its version: `TOXICITY@6` is TOXICITY."""
    return requested.partition("@")[0]


def scale_names(requested: str, label: str) -> Sequence[str]:
    """Return the names under which a scale for `requested` may stand, the narrowest first."""
    name = base_name(requested)
    return (name, name.removesuffix(_EXPERIMENTAL), label)


def _capitals(label: str) -> str:
    return re.sub(r"\W+", "_", label).upper()
