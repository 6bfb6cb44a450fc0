"""Names what stands in stored JSON, such as audit entries and figures of a model: its keys and its codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from moderation.admin.display.label_names import label_name
from moderation.models import AuthorTrust, Review, Screening
from moderation.review.reasons import label_of

NAMES: Mapping[str, str | Promise] = {
    # of audit entries
    "decision": _("decision"),
    "outcome": _("outcome"),
    "verdict": _("verdict"),
    "review": _("review"),
    "reason": _("reason"),
    "stance": _("what becomes of the texts"),
    "hidden_by": _("hidden by"),
    "hidden_by_us": _("hidden by us"),
    "held_by": _("held by"),
    "released": _("released"),
    "reports": _("reports"),
    "revoked": _("revoked"),
    "thresholds": _("thresholds"),
    "flag": _("flag"),
    "hold": _("hold"),
    "model": _("model"),
    "version": _("version"),
    "name": _("name"),
    "characters": _("characters"),
    "comments": _("comments"),
    "events": _("events"),
    "items": _("items"),
    "labels": _("labels"),
    "location": _("location"),
    "where": _("address"),
    "includes_text": _("includes the text"),
    "is_enabled": _("is enabled"),
    "secret_renewed": _("secret renewed"),
    # of a model's figures
    "old": _("old"),
    "new": _("new"),
    "reviews": _("reviews"),
    "test": _("test side"),
    "train": _("training side"),
    "texts": _("texts"),
    "rows": _("rows"),
    "positives": _("positives"),
    "precision": _("precision"),
    "recall": _("recall"),
    "average_precision": _("average precision"),
    "calibration": _("calibration"),
    "threshold": _("threshold"),
    "too_few": _("too few"),
    "value": _("value"),
    "low": _("lowest"),
    "high": _("highest"),
    "validation": _("validation"),
    "task": _("task"),
    "macro": _("mean of the labels"),
    "macro_intervals": _("mean of the labels, with interval"),
    "micro": _("all labels together"),
    "int8_parity": _("int8 against the trained network"),
    "flags": _("flags"),
    "flags_changed": _("flags changed"),
    "largest_difference": _("largest difference"),
    "mean_difference": _("mean difference"),
    "mean_difference_unsure": _("mean difference where unsure"),
    "predicted_over_observed": _("predicted over observed"),
    "brier_skill": _("Brier skill"),
}
"""What is missing here, such as labels of another model and options of a training, reads as it is stored."""
_CODES: Mapping[str, Iterable[tuple[str, str | Promise]]] = {
    "outcome": Screening.Outcome.choices,
    "verdict": Screening.Verdict.choices,
    "decision": Review.Decision.choices,
    "stance": AuthorTrust.Stance.choices,
}


def name_of(key: str) -> str:
    """Name a key, or a label of a model."""
    return str(NAMES[key]) if key in NAMES else label_name(key)


def path_of(keys: str) -> str:
    """Name several keys, each within the one before, with a comma between them."""
    return ", ".join(name_of(key) for key in keys.split(", "))


def code_of(key: str, value: Any) -> Any:
    """Name a value that is a code of ours; any other value, and a code unknown to this release, stays."""
    if not isinstance(value, str):
        return value
    if key == "reason":
        return label_of(value) if value else value
    return next((str(label) for code, label in _CODES.get(key, ()) if code == value), value)


def kind_of(model_name: str) -> str:
    """Name what an audit entry is about, such as "screening"."""
    try:
        return str(apps.get_model("moderation", model_name)._meta.verbose_name)
    except LookupError:
        return model_name
