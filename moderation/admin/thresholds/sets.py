"""Offers the named sets of thresholds that the active version's manifest brings, as numbers for the form.

Nothing is put in force: a set fills the fields, and the preview follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation.admin.thresholds.form import Stored
from moderation.models import ModelVersion

SET = "set"
"""Of the address of the form: which set to fill it in with."""
DIGITS = 3
NAMES: Mapping[str, Any] = {
    "lenient": gettext_lazy("lenient: flags less"),
    "balanced": gettext_lazy("balanced"),
    "strict": gettext_lazy("strict: flags more"),
}
"""The sets that are offered, in their order; a manifest may bring others, which nobody could explain."""


@dataclass(frozen=True)
class Offer:
    """A set of thresholds that a lead may begin with."""

    name: str
    address: str
    expected: str
    """What its flags of toxic were worth on the rows that the version was published on; empty: not known."""
    is_chosen: bool


def offers(version: ModelVersion, model_label: str, chosen: str) -> list[Offer]:
    """Return the sets that the version brings, none for an earlier release's. chosen: the address's."""
    return [
        Offer(
            name=str(name),
            address=f"?{urlencode({'model_label': model_label, SET: key})}",
            expected=_expected(version, key),
            is_chosen=key == chosen,
        )
        for key, name in NAMES.items()
        if thresholds_of(version, key)
    ]


def begun_with(version: ModelVersion, name: str, thresholds: Stored) -> Stored:
    """Return the thresholds with the flag thresholds of a set, unchanged where the version lacks the set.

    What they hold from stays, but where the set flags from higher only.
    """
    chosen = {label: dict(numbers) for label, numbers in thresholds.items()}
    for label, numbers in thresholds_of(version, name).items():
        kept = chosen.get(label, {})
        flag, hold = numbers["flag"], kept.get("hold")
        if flag is not None and hold is not None and hold < flag:
            del kept["hold"]
        chosen[label] = {**kept, **numbers}
    return chosen


def thresholds_of(version: ModelVersion, name: str) -> Stored:
    """Return a set as `Policy.thresholds` has it; empty where the version does not bring it.

    Rounded to the digits that the page shows.
    """
    sets = version.manifest.get("threshold_sets")
    numbers = sets.get(name) if isinstance(sets, Mapping) and name in NAMES else None
    if not isinstance(numbers, Mapping):
        return {}
    return {
        label: {"flag": round(float(numbers[label]), DIGITS)}
        for label in version.labels
        if isinstance(numbers.get(label), int | float) and 0 <= numbers[label] <= 1
    }


def _expected(version: ModelVersion, name: str) -> str:
    found: Any = version.metrics
    for key in ("threshold_sets", name, "toxic"):
        found = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        return ""
    recall, wrong = found.get("recall"), found.get("false_positive_rate")
    if not isinstance(recall, int | float) or not isinstance(wrong, int | float):
        return ""
    return _(
        "on its validation comments %(recall)s %% of the toxic found, %(wrong)s %% of the others flagged"
    ) % {"recall": number_format(100 * recall, 1), "wrong": number_format(100 * wrong, 1)}
