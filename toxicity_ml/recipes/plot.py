"""A picture of a comparison: how far each recipe is from the first, with its interval."""

import io
from collections.abc import Mapping
from typing import Any

COLOURS = {"better": "#1a7f37", "worse": "#b3261e", "no difference shown": "#6b7280", "baseline": "#111827"}


def differences_png(report: Mapping[str, Any]) -> bytes:
    """The PNG of ``comparison.compare``'s report: mean average precision less the baseline's, a line each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    arms = [arm for arm in report["arms"] if arm["finding"] != "baseline"]
    figure = Figure(figsize=(8, 1.4 + 0.42 * max(1, len(arms))), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axvline(0, color=COLOURS["baseline"], linewidth=1)
    for place, arm in enumerate(arms):
        found, colour = arm["difference"]["mean"], COLOURS[arm["finding"]]
        axes.plot([found["low"], found["high"]], [place, place], color=colour, linewidth=2)
        axes.plot([found["value"]], [place], "o", color=colour)
    axes.set_yticks(range(len(arms)), [arm["name"] for arm in arms])
    axes.invert_yaxis()
    axes.set_xlabel(f"mean average precision less that of {report['baseline']}, with 95 % intervals")
    axes.set_title(f"{report['rows']:,} rows, {report['seeds']} seed(s)", loc="left", fontsize="medium")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    return picture.getvalue()
