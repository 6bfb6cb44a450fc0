"""The page's figures of one set of rows: metrics, differences, curves, calibration, confusion."""

from collections.abc import Mapping
from typing import Any

from toxicity_ml.evaluation import METRICS
from toxicity_ml.reporting import plots
from toxicity_ml.reporting.markup import (
    Markup,
    escaped,
    figure,
    folded,
    panels,
    paragraph,
    section,
    share,
    table,
)

HEADINGS = {"f1": "F1", "roc_auc": "ROC AUC", "average_precision": "average precision"}
CALIBRATION = {
    "slope": "slope",
    "intercept": "intercept",
    "ece_over_0.05": "ECE of scores over 0.05",
    "brier_skill": "Brier skill",
    "predicted_over_observed": "predicted over observed",
}
SITE = {
    "flags_per_1000": "flags per 1,000",
    "false_flags_per_1000": "wrong flags per 1,000",
    "missed_per_1000": "missed per 1,000",
    "precision": "precision",
    "recall": "recall",
}

Scorers = Mapping[str, Mapping[str, Any]]
"""Scorer name: what ``sections.measured`` gave."""


def part_section(
    name: str, scorers: Scorers, differences: Mapping[str, Any], anchor: str, first: str
) -> Markup:
    """Everything about one set of rows. differences: of each other scorer from the first."""
    single = "accuracy" in scorers[first]
    rows = scorers[first]["rows"]
    return section(
        name,
        paragraph(f"{rows:,} rows."),
        _classes_table(scorers) if single else site_table(scorers),
        *(metrics_table(scorer, found) for scorer, found in scorers.items()),
        difference_table(differences, first) if differences else "",
        _curves(scorers, first),
        *(_calibration_table(scorer, found) for scorer, found in scorers.items()),
        *(
            folded(f"Confusion: {scorer}", _single_confusion(found) if single else _confusion(found))
            for scorer, found in scorers.items()
        ),
        name=anchor,
    )


def site_table(scorers: Scorers) -> Markup:
    """Make the table of flags per 1,000 comments by each scorer."""
    rows = [
        [
            scorer,
            *(
                figure(found["site"][key], found["site"]["too_few"], 1 if "1000" in key else 3)
                for key in SITE
            ),
        ]
        for scorer, found in scorers.items()
    ]
    return table(
        ["", *SITE.values()], rows, "What a site feels: whole comments, any label over its threshold"
    )


def metrics_table(scorer: str, found: Mapping[str, Any]) -> Markup:
    """Each label's metrics, and micro and macro."""
    has_thresholds = any(values["threshold"] is not None for values in found["labels"].values())
    rows = [
        [
            label,
            values["positives"],
            *([f"{values['threshold']:.3f}"] if has_thresholds else []),
            *(figure(values[metric], values["too_few"]) for metric in METRICS),
        ]
        for label, values in found["labels"].items()
    ]
    empty = ["", ""] if has_thresholds else [""]
    rows.append(
        ["micro", *empty, *(figure(found["micro"][m]) if m in found["micro"] else "" for m in METRICS)]
    )
    rows.append(["macro", *empty, *(figure(found["macro_intervals"][metric]) for metric in METRICS)])
    head = ["label", "positives", *(["threshold"] if has_thresholds else [])]
    return table([*head, *(HEADINGS.get(metric, metric) for metric in METRICS)], rows, scorer)


def difference_table(differences: Mapping[str, Any], first: str) -> Markup:
    """Average precision minus the first scorer's, on the same draws."""
    labels = next(iter(differences.values()))["labels"]
    rows = [
        [
            scorer,
            _difference(found["mean"]),
            *(_difference(found["labels"][label]) for label in labels),
        ]
        for scorer, found in differences.items()
    ]
    caption = f"Average precision minus that of {first}, paired; marked where zero lies outside the interval"
    return table(["", "mean", *labels], rows, caption)


def key(names: Mapping[str, Any]) -> Markup:
    """The legend: the colour of each scorer."""
    items = "".join(
        f'<li><span style="background:{colour}"></span>{escaped(name)}</li>'
        for name, colour in plots.legend(list(names))
    )
    return Markup(f'<ul class="key">{items}</ul>')


def _difference(found: Mapping[str, Any] | None) -> Markup:
    shown = figure(found, True, sign="+")
    if found is None or not found["shown"]:
        return shown
    return Markup(f'<span class="{"good" if found["value"] > 0 else "bad"}">{shown}</span>')


def _classes_table(scorers: Scorers) -> Markup:
    rows = [
        [
            scorer,
            figure(found["accuracy"]),
            figure(found["macro_intervals"]["f1"]),
            figure(found["confidence"]["ece_over_0.05"]),
            figure(found["confidence"]["predicted_over_observed"]),
        ]
        for scorer, found in scorers.items()
    ]
    head = ["", "accuracy", "macro F1", "ECE of the class taken", "confidence over accuracy"]
    return table(head, rows, "The most probable class")


def _curves(scorers: Scorers, first: str) -> Markup:
    """Four panels for each label; a label with too few positives has a sentence instead."""
    blocks: list[object] = [key(scorers)]
    for label, values in scorers[first]["labels"].items():
        if values["curves"] is None:
            blocks.append(
                section(label, paragraph(f"{values['positives']} positives: too few to draw."), level=3)
            )
            continue
        of_label = {scorer: found["labels"][label] for scorer, found in scorers.items()}
        drawn = [
            ("precision and recall", plots.precision_recall(of_label)),
            ("ROC", plots.roc(of_label)),
            (
                "reliability",
                plots.reliability({name: found["calibration"] for name, found in of_label.items()}),
            ),
        ]
        if values["threshold"] is not None:
            drawn.insert(2, (f"by threshold: {first}", plots.by_threshold(values)))
        blocks.append(section(label, panels(drawn), level=3))
    return Markup("".join(map(escaped, blocks)))


def _calibration_table(scorer: str, found: Mapping[str, Any]) -> Markup:
    rows = [
        [
            label,
            *(
                figure((values["calibration"] or {}).get(name), values["too_few"], places=3)
                for name in CALIBRATION
            ),
        ]
        for label, values in found["labels"].items()
    ]
    return table(["", *CALIBRATION.values()], rows, f"Calibration: {scorer}")


def _confusion(found: Mapping[str, Any]) -> Markup:
    counts = [
        [label, *(values["confusion"][kind] for kind in ("tp", "fp", "fn", "tn"))]
        for label, values in found["labels"].items()
    ]
    head = ["", "true and flagged", "flagged wrongly", "missed", "rightly clear"]
    names = list(found["cooccurrence"])
    shares = [
        [
            f"truly {name}",
            row["rows"],
            *(share(row["flagged"][other], row["too_few"]) for other in names),
        ]
        for name, row in found["cooccurrence"].items()
    ]
    return Markup(
        table(head, counts, "Rows, counted without weights")
        + table(
            ["", "rows", *names],
            shares,
            "Of the comments that truly have a label, the share flagged for each",
        )
    )


def _single_confusion(found: Mapping[str, Any]) -> Markup:
    names = list(found["confusion"])
    rows = [
        [f"truly {name}", row["rows"], *(share(row["predicted"][other], row["too_few"]) for other in names)]
        for name, row in found["confusion"].items()
    ]
    return table(["", "rows", *names], rows, "Of the texts of a class, the share taken for each")
