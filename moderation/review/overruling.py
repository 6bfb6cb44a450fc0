"""Tells whether the site has overruled a decision by its own means: it does the opposite now.

Nobody's decision changes by that, so its label may be wrong: a moderator can make it follow.
"""

from __future__ import annotations

from moderation.models import Review, Screening
from moderation.visibility.live_state import LiveState, live_state


def is_overruled(screening: Screening, decision: Review | None, live: LiveState) -> bool:
    """True where the site shows what was decided to be hidden, or the reverse.

    decision: the one that stands. False while our own action is still to be carried out, and where nobody
    knows what the site shows.
    """
    if decision is None or not screening.is_current or screening.action_pending:
        return False
    opposite = LiveState.VISIBLE if decision.outcome == Screening.Outcome.HIDE else LiveState.HIDDEN
    return live is opposite


def follows_the_site(screening: Screening, decision: Review, outcome: str) -> bool:
    """True where the site has overruled this decision, and `outcome` is what the site does now."""
    return outcome != decision.outcome and is_overruled(screening, decision, live_state(screening))
