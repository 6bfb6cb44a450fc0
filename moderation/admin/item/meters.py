"""One label's score as text, for its meter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.utils.formats import get_format
from django.utils.translation import gettext as _

from moderation.admin.display.label_names import label_name


def two_places(number: float) -> str:
    """Return a score as people read it, in the language of the page."""
    return f"{number:.2f}".replace(".", get_format("DECIMAL_SEPARATOR"))


@dataclass(frozen=True)
class Meter:
    """One label's score, with everything as text that the page needs: percentages are never localised."""

    label: str
    score: float
    threshold: float | None
    """From which score on it flags; None: never."""
    hold: float | None = None
    """From which score on it holds; None: never."""

    @cached_property
    def name(self) -> str:
        return label_name(self.label)

    @cached_property
    def is_over(self) -> bool:
        return self.threshold is not None and self.score >= self.threshold

    @cached_property
    def number(self) -> str:
        """Return the score as programs read it."""
        return f"{self.score:.2f}"

    @cached_property
    def shown(self) -> str:
        """Return the score as people read it."""
        return two_places(self.score)

    @cached_property
    def width(self) -> str:
        return f"{100 * self.score:.1f}%"

    @cached_property
    def mark(self) -> str:
        return "" if self.threshold is None else f"{100 * self.threshold:.1f}%"

    @cached_property
    def hold_mark(self) -> str:
        return "" if self.hold is None or self.hold > 1 else f"{100 * self.hold:.1f}%"

    @cached_property
    def spoken(self) -> str:
        """Describe the meter for screen readers."""
        if self.threshold is None:
            return self.shown
        text = _("%(score)s, over the threshold %(mark)s") if self.is_over else _("%(score)s, under %(mark)s")
        said = text % {"score": self.shown, "mark": two_places(self.threshold)}
        if self.hold is None:
            return said
        holds = _("held, as over %(hold)s") if self.score >= self.hold else _("held from %(hold)s")
        return f"{said}, {holds % {'hold': two_places(self.hold)}}"
