"""Tells, for each label, which thresholds are in force and where each number comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.conf import conf
from moderation.models import ModelVersion, Policy
from moderation.registry import Registered
from moderation.screening.judging import policy_for

__all__ = ["Number", "Source", "sources_for"]


class Source(models.TextChoices):
    """Where a threshold comes from, the strongest first."""

    MODEL_POLICY = "model_policy", _("policy of this model")
    GENERAL_POLICY = "general_policy", _("policy for every model")
    SETTING = "setting", _("registration of the model")
    HOLD_AT = "hold_at", _("setting HOLD_AT")
    VERSION = "version", _("model version")


@dataclass(frozen=True)
class Number:
    """One threshold, and where it comes from."""

    value: float | None
    """None: the label never counts, or never holds."""
    source: Source


def sources_for(
    entry: Registered | None, version: ModelVersion, *, without: str | None = None
) -> dict[str, dict[str, Number]]:
    """Return {label: {"flag" | "hold": number}} as `judging.thresholds_of` combines them.

    entry: None stands for every model without a policy of its own. without: leave out the policy of this
    label, to tell what would be in force without it.
    """
    stored = policy_for(entry.label if entry else "")
    if stored is not None and stored.model_label == without:
        stored = policy_for("") if stored.model_label else None
    of_setting = entry.thresholds if entry else {}
    numbers = {}
    for label in (label for label in version.labels if label in version.thresholds):
        own = version.thresholds[label]
        flag = _first(label, "flag", stored, of_setting, Number(own, Source.VERSION))
        hold = _first(label, "hold", stored, of_setting, Number(conf.HOLD_AT, Source.HOLD_AT))
        if flag.value is not None and hold.value is not None and hold.value < flag.value:
            hold = Number(flag.value, hold.source)  # a label holds from its flag threshold on at the lowest
        numbers[label] = {"flag": flag, "hold": hold}
    return numbers


def _first(
    label: str, kind: str, stored: Policy | None, of_setting: Mapping[str, Mapping[str, Any]], own: Number
) -> Number:
    if stored is not None and kind in stored.thresholds.get(label, {}):
        source = Source.MODEL_POLICY if stored.model_label else Source.GENERAL_POLICY
        return Number(stored.thresholds[label][kind], source)
    if kind in of_setting.get(label, {}):
        return Number(of_setting[label][kind], Source.SETTING)
    return own
