"""Reads what a lead wishes of a label, such as precision of at least 90 %, and says what the reviews propose.

Nothing is put in force: a proposal fills the field of the form, and the preview follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from moderation.admin.thresholds.curves import NOTHING, in_words

if TYPE_CHECKING:
    from moderation.review.operating_points import Proposal

PRECISION, RECALL = "precision", "recall"
"""As `moderation.review.operating_points` has them, which needs NumPy."""
KINDS = (
    ("", NOTHING),
    (PRECISION, gettext_lazy("precision at least")),
    (RECALL, gettext_lazy("recall at least")),
)
PROPOSE = "_propose"
"""Name of the button that asks for proposals."""


@dataclass(frozen=True)
class Wish:
    """What somebody wishes of one label, as it was typed, and the answer."""

    kind: str = ""
    """PRECISION, RECALL or empty."""
    given: str = ""
    """The percentage as it was typed."""
    answer: str = ""
    threshold: float | None = None
    """What is proposed."""

    @property
    def at_least(self) -> float | None:
        """Return the share that is wished for, 0 to 1; None where what was typed is no such percentage."""
        try:
            share = float(self.given.replace(",", ".")) / 100
        except ValueError:
            return None
        return share if 0 < share < 1 else None

    @property
    def number(self) -> str:
        """Return the proposed threshold as a form takes it."""
        return "" if self.threshold is None else f"{self.threshold:.3f}"


def wishes(given: Mapping[str, str], labels: Iterable[str]) -> dict[str, Wish]:
    """Return what was asked of each label."""
    return {label: _wish(given.get(f"wish_{label}", ""), given.get(f"at_{label}", "")) for label in labels}


def _wish(kind: str, typed: str) -> Wish:
    return Wish(kind if kind in (PRECISION, RECALL) else "", typed[:10])


def unreadable(wish: Wish) -> Wish:
    """Answer a wish of which the percentage is none."""
    return replace(wish, answer=_("Give a percentage over 0 and under 100."))


def answered(wish: Wish, proposal: Proposal) -> Wish:
    """Say in words what the reviews propose, on how many of them it rests, or that they are not enough."""
    if proposal.point is None:
        return replace(wish, answer=_not_enough(wish, proposal))
    figures = {
        "threshold": number_format(proposal.point.threshold, 3),
        "precision": in_words(proposal.point.precision),
        "recall": in_words(proposal.point.recall),
    }
    if proposal.threshold is None:
        text = _(
            "No threshold reaches that, by these reviews. The nearest is %(threshold)s: precision "
            "%(precision)s, recall %(recall)s."
        )
        return replace(wish, answer=text % figures)
    text = _("Proposed: flag from %(threshold)s. Precision %(precision)s, recall %(recall)s.")
    return replace(wish, answer=f"{text % figures} {_rests_on(proposal)}", threshold=proposal.threshold)


def _rests_on(proposal: Proposal) -> str:
    flagged = ngettext(
        "Precision rests on %(count)d decided comment that it flags,",
        "Precision rests on %(count)d decided comments that it flags,",
        proposal.flagged,
    ) % {"count": proposal.flagged}
    text = _("recall on %(positives)d that have the label; %(random)d came up at random.")
    return f"{flagged} {text % {'positives': proposal.positives, 'random': proposal.random}}"


def _not_enough(wish: Wish, proposal: Proposal) -> str:
    if wish.kind == PRECISION or not proposal.lacks_random:
        return _("Not enough reviews: about ten comments have to be decided that score high for this label.")
    text = _(
        "Not enough reviews: for recall 30 comments have to be decided that came up at random; there are "
        "%(random)d."
    )
    return text % {"random": proposal.random}
