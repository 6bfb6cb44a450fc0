"""Puts what is known of model versions into words and rows for the pages; reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from moderation.admin.display.label_names import label_name
from moderation.admin.display.stored_names import name_of
from moderation.models import ModelVersion, Screening
from moderation.monitoring import version_comparison as comparison
from moderation.monitoring.version_comparison import Measured, OnTraffic, Share

NOTHING = "\u2013"
"""Stands for a figure that there is not."""
VERDICTS = dict(Screening.Verdict.choices)
LEFT_OUT = ("canned", "files", "perspective_scale", "calibration", "metrics", "thresholds", "labels")
"""Of a manifest: what the page of a version has elsewhere, or what nobody reads."""


@dataclass(frozen=True)
class Row:
    """A line of a table of two versions."""

    name: str
    old: str
    new: str
    change: str = ""


@dataclass(frozen=True)
class Traffic:
    """What two versions said of the same screenings, in words."""

    agreement: str
    rates: Sequence[Row]
    labels: Sequence[tuple[str, str, str, int, int]]
    """(label, flagged by the old, by the new, by the old alone, by the new alone)."""
    verdicts: Sequence[tuple[str, str, int]]
    """(by the old, by the new, how many), of those on which they differ."""


def threshold_rows(old: ModelVersion, new: ModelVersion) -> list[Row]:
    """Return a line for each label of either version, with what its threshold changes by."""
    return [
        Row(
            label_name(pair.label),
            _number(pair.old),
            _number(pair.new),
            "" if pair.old is None or pair.new is None else _signed(pair.new - pair.old),
        )
        for pair in comparison.compare_thresholds(old, new)
    ]


def figure_rows(old: ModelVersion, new: ModelVersion) -> list[Row]:
    """Return a line for each figure of either version, the means of the labels first."""
    return [
        Row(
            f"{_of_labels(figure.label)}, {name_of(figure.name)}",
            in_words(figure.old),
            in_words(figure.new),
            "" if figure.old is None or figure.new is None else _signed(figure.new.value - figure.old.value),
        )
        for figure in comparison.compare_figures(old, new)
    ]


def traffic(told: OnTraffic) -> Traffic | None:
    """Return what both said of the same screenings, or None where these are too few."""
    if told.agreement is None or told.flagged is None or told.held is None:
        return None
    return Traffic(
        agreement=_share(told.agreement),
        rates=[
            Row(_("in the queue"), *map(_share, told.flagged)),
            Row(_("held"), *map(_share, told.held)),
        ],
        labels=[
            (label_name(row.label), _share(row.old), _share(row.new), row.only_old, row.only_new)
            for row in told.labels
        ],
        verdicts=[
            (str(VERDICTS[before]), str(VERDICTS[after]), count)
            for (before, after), count in told.verdicts.items()
            if before != after
        ],
    )


def own_rows(version: ModelVersion) -> list[tuple[str, str, str]]:
    """Return (label, threshold, average precision) of each label of one version."""
    figures = {
        figure.label: figure.new
        for figure in comparison.compare_figures(version, version)
        if figure.name == "average_precision"
    }
    return [
        (label_name(label), _number(version.thresholds.get(label)), in_words(figures.get(label)))
        for label in version.labels
    ]


def manifest_of(version: ModelVersion) -> Mapping[str, Any]:
    """Return what the manifest says beside what the page shows elsewhere."""
    return {name: value for name, value in version.manifest.items() if name not in LEFT_OUT}


def in_words(measured: Measured | None) -> str:
    """Write a figure with its interval, such as "0.679 (0.648-0.721)"; NOTHING where there is none."""
    if measured is None:
        return NOTHING
    if measured.low is None or measured.high is None:
        return _number(measured.value)
    return f"{_number(measured.value)} ({_number(measured.low)}\u2013{_number(measured.high)})"


def _of_labels(label: str) -> str:
    return label_name(label) if label else _("mean of the labels")


def _share(share: Share) -> str:
    value, low, high = (
        number_format(f"{100 * part:.1f}", 1) for part in (share.value, share.low, share.high)
    )
    return _("%(value)s %% (%(low)s to %(high)s)") % {"value": value, "low": low, "high": high}


def _number(number: float | None) -> str:
    return NOTHING if number is None else number_format(f"{number:.3f}", 3)


def _signed(change: float) -> str:
    sign = "+" if change > 0 else "\u2212" if change < 0 else "\u00b1"
    return sign + number_format(f"{abs(change):.3f}", 3)
