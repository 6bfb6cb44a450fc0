"""Writes what `model_versions` says of one version and of two, as lines for a terminal or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moderation.models import ModelVersion
from moderation.monitoring import version_comparison as comparison
from moderation.monitoring.version_comparison import Measured, Share
from moderation.versions import history

_NOTHING = "-"


def as_json(version: ModelVersion) -> dict[str, Any]:
    """Return what the list says of a version."""
    return {
        "version": str(version),
        "is_active": version.is_active,
        "activated": version.activated.isoformat() if version.activated else None,
        "created": version.created.isoformat(),
        "parent": str(version.parent) if version.parent else None,
        "origin": version.came_from.value,
        "note": version.note,
        "data_fingerprint": version.data_fingerprint,
        "location": version.location or "packaged",
        "manifest_sha256": version.manifest_sha256,
        "metrics": version.metrics,
    }


def whole_as_json(version: ModelVersion) -> dict[str, Any]:
    """Return what there is to know of a version, its lineage and its part of the audit trail included."""
    return {
        **as_json(version),
        "labels": version.labels,
        "thresholds": version.thresholds,
        "ancestors": list(map(str, history.ancestors(version))),
        "children": list(map(str, history.children(version))),
        "same_data": list(map(str, history.same_data(version))),
        "training_runs": list(version.runs.order_by("id").values_list("pk", flat=True)),
        "changes": [
            {
                "action": change.action,
                "username": change.username,
                "created": change.created.isoformat(),
                "before": change.before,
                "note": change.note,
            }
            for change in history.changes_of(version)
        ],
    }


def lines_of(version: ModelVersion) -> Iterator[str]:
    """Yield the lines of `show`."""
    facts = (
        ("active", "yes" if version.is_active else "no"),
        ("origin", f"{version.came_from.value}, {version.created:%Y-%m-%d %H:%M}"),
        ("note", version.note or _NOTHING),
        ("trained from", " <- ".join(map(str, reversed(history.ancestors(version)))) or _NOTHING),
        ("trained from it", ", ".join(map(str, history.children(version))) or _NOTHING),
        ("training runs", ", ".join(map(str, version.runs.order_by("id"))) or _NOTHING),
        ("data fingerprint", version.data_fingerprint or _NOTHING),
        ("same data", ", ".join(map(str, history.same_data(version))) or _NOTHING),
        ("files", version.location or "packaged"),
        ("manifest sha256", version.manifest_sha256),
    )
    yield str(version)
    yield from (f"  {name:18}{value}" for name, value in facts)
    yield f"\n  {'label':22}{'threshold':>10}   average precision"
    figures = {
        figure.label: figure.new
        for figure in comparison.compare_figures(version, version)
        if figure.name == "average_precision"
    }
    for label in version.labels:
        threshold = version.thresholds.get(label)
        yield f"  {label:22}{_number(threshold):>10}   {_interval(figures.get(label))}"
    yield ""
    for change in history.changes_of(version):
        why = f": {change.note}" if change.note else ""
        yield f"  {change.created:%Y-%m-%d %H:%M}  {change.action}, {change.username or 'by itself'}{why}"


def lines_of_two(old: ModelVersion, new: ModelVersion) -> Iterator[str]:
    """Yield the lines of `compare`."""
    yield f"{old} (old) and {new} (new)"
    yield f"\n{'threshold':40}{'old':>24}{'new':>24}"
    for pair in comparison.compare_thresholds(old, new):
        yield f"{pair.label:40}{_number(pair.old):>24}{_number(pair.new):>24}"
    rows = [comparison.validated_on(version) or _NOTHING for version in (old, new)]
    yield f"\n{'figure of its own, on so many rows':40}{rows[0]:>24}{rows[1]:>24}"
    for figure in comparison.compare_figures(old, new):
        name = f"{figure.label or 'mean of the labels'}, {figure.name.replace('_', ' ')}"
        yield f"{name:40}{_interval(figure.old):>24}{_interval(figure.new):>24}"
    told = comparison.compare_on_traffic(old, new)
    yield ""
    if told.agreement is None or told.flagged is None or told.held is None:
        yield (
            f"Both have scored {told.screenings} comments: too few to say how far they agree. "
            f"`rescreen --model {new}` lets it score what is there."
        )
        return
    yield f"Of the latest {told.screenings} comments that both scored: same verdict {_share(told.agreement)}."
    yield f"{'':40}{'old':>24}{'new':>24}{'old alone':>12}{'new alone':>12}"
    for name, shares in (("in the queue", told.flagged), ("held", told.held)):
        yield f"{name:40}{_share(shares[0]):>24}{_share(shares[1]):>24}"
    for row in told.labels:
        numbers = f"{row.only_old:>12}{row.only_new:>12}"
        yield f"{row.label:40}{_share(row.old):>24}{_share(row.new):>24}{numbers}"


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.3f}"


def _interval(measured: Measured | None) -> str:
    if measured is None:
        return _NOTHING
    if measured.low is None or measured.high is None:
        return _number(measured.value)
    return f"{measured.value:.3f} ({measured.low:.3f} to {measured.high:.3f})"


def _share(share: Share) -> str:
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
