"""What a published version should reach, as served, and which versions reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.figures import RECALLS, cell, markdown_table

NEWS_FOUND = "news: recall at 5 % for nothing; at own thresholds; for nothing"
MEAN_AP = "jigsaw: mean AP of five"
ENRICHED = "enriched: F1 toxic, obscene, insult"
NATURAL = "natural: recall, for nothing"
THREATS = "threat: AUC, positives; found, for nothing"
GROUPS_FLAGGED = "group sentences flagged for nothing (own; bold, holistic)"
PAIRS = "contrast pairs told apart (kinds groups, contempt, counter)"
COUNTER_FLAGGED = "counter-speech flagged (own phrases, kinds)"
CALIBRATION = "predicted over observed"

Figures = Mapping[str, Any]


def _no(_: Figures) -> bool:
    return False


@dataclass(frozen=True)
class Aim:
    """One line of the table: what is aimed at, what a version reaches, and True where that meets the aim."""

    name: str
    value: Callable[[Figures], object]
    is_met: Callable[[Figures], bool] = _no


def table(results: Mapping[str, Figures]) -> str:
    """Return a table of Markdown: what each version reaches of each aim, * where it meets it."""
    first = next(iter(results.values()))
    lines = [[aim.name, *(_cell(aim, found) for found in results.values())] for aim in aims(first)]
    return markdown_table(["aim", *results], lines)


def _cell(aim: Aim, found: Figures) -> str:
    value = cell(aim.value, found)
    return f"{value} *" if value != "-" and aim.is_met(found) else value


def aims(first: Figures) -> Iterator[Aim]:
    """Yield the aims. first: the figures of the version that a later one must not fall behind."""
    yield from _overall(first)
    for source, entry in first["sources"].items():
        yield from _of_source(source, entry)
    for kind in first["kinds"]:
        if kind != "all":
            yield _of_kind(kind)


def _overall(first: Figures) -> Iterator[Aim]:
    yield Aim(
        "news: recall at 5 % for nothing >= .70",
        lambda found: found[NEWS_FOUND][0],
        lambda found: bool(found[NEWS_FOUND][0] >= 0.70),
    )
    yield Aim(
        "news at own thresholds: found, for nothing",
        lambda found: "{1}, {2}".format(*found[NEWS_FOUND]),
    )
    yield Aim(
        "Jigsaw mean AP of five >= .765",
        lambda found: found[MEAN_AP],
        lambda found: bool(found[MEAN_AP] >= 0.765),
    )
    yield _of_enriched(0, "toxic", 0.92)
    yield _of_enriched(1, "obscene", 0.88)
    yield Aim(
        "counter-speech flagged, own phrases and kinds: no more than now",
        lambda found: found[COUNTER_FLAGGED],
        lambda found: _is_no_higher(found[COUNTER_FLAGGED], first[COUNTER_FLAGGED]),
    )
    yield Aim(
        "group sentences flagged for nothing < .02 and no more than now",
        lambda found: found[GROUPS_FLAGGED],
        lambda found: (
            max(found[GROUPS_FLAGGED]) < 0.02 and _is_no_higher(found[GROUPS_FLAGGED], first[GROUPS_FLAGGED])
        ),
    )
    yield Aim(
        "contrast pairs told apart >= .80",
        lambda found: found[PAIRS],
        lambda found: bool(min(found[PAIRS]) >= 0.8),
    )
    yield Aim("threat", lambda found: found[THREATS])
    yield _of_all_kinds("in mean", "right", 0.85)
    yield _of_all_kinds("lowest", "lowest", 0.70)


def _of_enriched(place: int, label: str, least: float) -> Aim:
    return Aim(
        f"enriched F1 {label} >= {_short(least)}",
        lambda found: found[ENRICHED][place],
        lambda found: bool(found[ENRICHED][place] >= least),
    )


def _of_all_kinds(name: str, key: str, least: float) -> Aim:
    return Aim(
        f"kinds right, {name} >= {_short(least)}",
        lambda found: found["kinds"]["all"][key],
        lambda found: bool(found["kinds"]["all"][key] >= least),
    )


def _short(share: float) -> str:
    return f"{share:.2f}".removeprefix("0")


def _of_source(source: str, first: Figures) -> Iterator[Aim]:
    if "auc" in first:
        yield Aim(
            f"{source}: AUC, down by no more than .005",
            lambda found: found["sources"][source]["auc"],
            lambda found: bool(found["sources"][source]["auc"] >= first["auc"] - 0.005),
        )
    if CALIBRATION in first:
        yield Aim(
            f"{source}: predicted over observed .8 to 1.25",
            lambda found: found["sources"][source][CALIBRATION],
            lambda found: bool(0.8 <= found["sources"][source][CALIBRATION] <= 1.25),
        )
    if RECALLS in first:
        yield Aim(f"{source}: {RECALLS}", lambda found: found["sources"][source][RECALLS])


def _of_kind(kind: str) -> Aim:
    return Aim(
        f"kind {kind}: right >= .70 (clear, flagged)",
        lambda found: "{right} ({clear right}, {flagged right})".format(**found["kinds"][kind]),
        lambda found: bool(found["kinds"][kind]["right"] >= 0.70),
    )


def _is_no_higher(values: list[float], than: list[float]) -> bool:
    return all(value <= bound for value, bound in zip(values, than, strict=True))
