"""Conditions of screenings that the pipeline, the queue and the figures ask for by name."""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db.models import Q

# Each of these is one definition for the query and for the index that serves it.

PENDING = Q(status="pending", is_current=True)
"""Current texts that no model has scored yet, claimed or not."""
OPEN = Q(is_current=True, outcome="") & ~Q(queued_for="")
"""What waits for a person."""
SUGGESTED = Q(source="suggestion", is_current=True, outcome="")
"""Texts that API clients sent with labels of their own, on which no person has decided."""
WAITING_SUGGESTIONS = SUGGESTED & Q(blanked=None)
"""Those of them that a person can still judge: retention takes the text of one that nobody came to."""
REPORTED_AGAIN = Q(is_current=True, outcome="show", open_reports__gte=1)
"""Texts that a person has decided to show, and that readers have brought back since. The decision stands."""
REPORTED = Q(is_current=True, open_reports__gte=1) & (Q(outcome="show") | (Q(outcome="") & ~Q(queued_for="")))
"""What readers have reported and what waits for a person: open items, whatever else they stand in the queue
for, and those of `REPORTED_AGAIN`."""
ASKED_AGAIN = Q(is_current=True, second_look__isnull=False)
"""Texts on which a person has decided, and whose author has asked for a second look."""
FAILED = Q(is_current=True, status="failed")
"""Current texts that could not be scored, whether a person has decided on them or not."""
IMPORTED = Q(source="import", is_current=False)
"""Texts that came with labels in a file: not scored, not to be judged, and none of the site's comments."""
DECIDED = ~Q(outcome="")
"""What a person has decided on."""
FLAGGED_OR_HELD = Q(verdict__in=["flagged", "held"])
"""Texts of which the model said that some label counts."""
DRAWN_BY_CHANCE = ("audit", "disagreement")
"""Reasons to stand in the queue of what the active version calls clear: chance alone brought it there."""
UNDECIDED_DRAWN = Q(queued_for__in=DRAWN_BY_CHANCE, outcome="")
"""Items drawn by chance on which no person has decided: until then nothing tells them from flagged ones."""
MAY_COUNT = FLAGGED_OR_HELD | UNDECIDED_DRAWN
"""Texts of which the model said that some label counts, as far as that may be known."""
UNJUDGED = Q(verdict="unjudged")
"""Texts in a language that the model was not made for, which nobody scored."""
ACTION_PENDING = Q(action_pending=True)
"""Objects that are still to be hidden or shown."""
SEARCHED = ~Q(status="pending")
"""Texts whose words are in the index of words: what waits to be scored gets there once it is."""
SEARCHED_CHARACTERS = 10_000
"""Of a text that can be found by its words. An index entry may not be larger than a megabyte."""
BLANKABLE = Q(blanked=None) & (
    Q(is_current=False) | (~Q(status="pending") & (Q(queued_for="") | ~Q(outcome="")))
)
"""Texts that retention may take: a person who has still to judge needs the text, and so does the model.

A suggestion that nobody judged in all that time is taken: clients send as many as they like."""


def written_labels(labels: Iterable[str]) -> str:
    """As `Screening.labels` holds them: a JSON list, or nothing for none."""
    names = list(labels)
    return json.dumps(names) if names else ""


def has_label(label: str) -> Q:
    """Screenings of whose text the model said that this label counts."""
    return FLAGGED_OR_HELD & Q(labels__contains=json.dumps(label))


def may_have_label(label: str) -> Q:
    """Screenings of which this label counts, and the drawn items that stand in the place of such.

    For lists that open items are in, too: with `has_label` they would differ from the queue by drawn items.
    """
    return MAY_COUNT & Q(labels__contains=json.dumps(label))
