"""Names the labels of a model for people."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

KNOWN: Mapping[str, str] = {
    "toxic": _("toxic"),
    "severe_toxic": _("severe toxic"),
    "obscene": _("obscene"),
    "threat": _("threat"),
    "insult": _("insult"),
    "identity_hate": _("identity hate"),
    "sexual_explicit": _("sexually explicit"),
    "spam": _("spam"),
    "off_topic": _("off topic"),
}
"""The labels of the default model version, and others that many versions have."""


def label_name(label: str) -> str:
    """Return a label in the language of the page; one that is not among KNOWN, in plain words."""
    return gettext(KNOWN[label]) if label in KNOWN else label.replace("_", " ")
