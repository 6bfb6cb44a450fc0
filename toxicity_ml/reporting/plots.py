"""Curves as inline SVG, a small panel each, so that a page can lay them out for any width and colours."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#3b82c4", "#e0812e", "#4aa564", "#a56bc4", "#c4505a")
"""Legible on white and on black alike."""
_INK = "#010203"
"""Stands for the page's own text colour in a figure; no curve uses it."""
_SIZE = (3.3, 2.7)
_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's own font
    "svg.hashsalt": "toxicity_ml",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
}

Curves = Mapping[str, Mapping[str, Any]]
"""Scorer name: what ``sections.measured`` gives for one label."""


def precision_recall(scorers: Curves) -> str:
    """Precision over recall with bands, and a dot where each scorer's threshold stands."""

    def draw(axes: "Axes") -> None:
        for colour, (name, found) in zip(COLOURS, scorers.items(), strict=False):
            _band(axes, found["curves"]["precision_recall"], colour, name)
            if found["precision"] is not None and found["recall"] is not None:
                axes.plot(found["recall"]["value"], found["precision"]["value"], "o", color=colour, ms=4)
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")

    return _panel(draw, "Precision over recall, with 95 % bands; a dot at the threshold in use")


def roc(scorers: Curves) -> str:
    """True over false positive rate, the latter logarithmic."""

    def draw(axes: "Axes") -> None:
        for colour, (name, found) in zip(COLOURS, scorers.items(), strict=False):
            curve = found["curves"]["roc"]
            _band(axes, {key: values[1:] for key, values in curve.items()}, colour, name)
        grid = [10 ** (-3 + step / 10) for step in range(31)]
        axes.plot(grid, grid, color=_INK, alpha=0.5, lw=0.8, ls=":")
        axes.set(xscale="log", xlim=(0.001, 1), ylim=(0, 1.02))
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.set_xticks([0.001, 0.01, 0.1, 1], ["0.1 %", "1 %", "10 %", "100 %"])
        axes.minorticks_off()

    return _panel(draw, "True positive rate over false positive rate, with 95 % bands")


def by_threshold(found: Mapping[str, Any]) -> str:
    """Precision, recall and F1 of one scorer over the threshold, and where it stands."""

    def draw(axes: "Axes") -> None:
        for colour, name in zip(COLOURS, ("precision", "recall", "f1"), strict=False):
            _band(axes, found["curves"][name], colour, "F1" if name == "f1" else name)
        if found["threshold"] is not None:
            axes.axvline(found["threshold"], color=_INK, alpha=0.6, lw=0.8, ls="--")
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="threshold")
        axes.legend(frameon=False, fontsize=8, loc="lower left")

    return _panel(draw, "Precision, recall and F1 over the threshold, with 95 % bands")


def reliability(scorers: Mapping[str, Mapping[str, Any]]) -> str:
    """Share of positives over the mean score of each bin. scorers: name -> ``calibration``."""

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=_INK, alpha=0.5, lw=0.8, ls=":")
        for colour, (name, found) in zip(COLOURS, scorers.items(), strict=False):
            bins = [entry for entry in found["bins"] if entry["observed"] is not None]
            predicted = [entry["predicted"] for entry in bins]
            values = [entry["observed"]["value"] for entry in bins]
            errors = [
                [max(0.0, entry["observed"]["value"] - entry["observed"]["low"]) for entry in bins],
                [max(0.0, entry["observed"]["high"] - entry["observed"]["value"]) for entry in bins],
            ]
            axes.errorbar(predicted, values, errors, fmt="o-", color=colour, ms=3, lw=1, elinewidth=0.8)
            axes.lines[-1].set_label(name)
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="predicted", ylabel="observed")

    return _panel(draw, "Observed share of positives over predicted probability, with 95 % intervals")


def legend(names: Sequence[str]) -> list[tuple[str, str]]:
    """(name, colour) of each scorer, in the order in which curves are drawn."""
    return list(zip(names, COLOURS, strict=False))


def _band(axes: "Axes", curve: Mapping[str, Sequence[float | None]], colour: str, name: str) -> None:
    x, y, low, high = (
        [float("nan") if value is None else value for value in curve[key]]
        for key in ("x", "y", "low", "high")
    )
    axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
    axes.plot(x, y, color=colour, lw=1.4, label=name)


def _panel(draw: Callable[["Axes"], None], title: str) -> str:
    """The figure as an ``<svg>`` element that takes the page's text colour and width."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=_SIZE, layout="constrained")
        figure.patch.set_alpha(0.0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0.0)
        axes.grid(alpha=0.15, lw=0.6, color=_INK)
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', _opening(title), svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # the same in every figure, and nothing refers to them
    svg = re.sub(r"(\d+\.\d\d)\d+", r"\1", svg)
    svg = re.sub(r"font: (?:[\d.]+px) [^;\"]*", lambda found: found[0].split("'")[0] + "inherit", svg)
    return svg.replace(_INK, "currentColor")


def _opening(title: str) -> str:
    return rf'<svg role="img" aria-label="{title}" viewBox="\1" xmlns:xlink="http://www.w3.org/1999/xlink">'
