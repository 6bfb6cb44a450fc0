"""What a test side needs for any verdict. Numbers alone, so that any page can say what is lacking."""

from __future__ import annotations

MIN_ITEMS = 15
"""Fewer items on the test side decide nothing."""
MIN_RANDOM_ITEMS = 30
"""Nor do fewer reviews that came up at random, however many items the active version pointed at."""
MIN_EFFECTIVE_ITEMS = 15.0
"""Nor do many random reviews of which a few carry nearly all the weight: Kish's effective sample size of the
texts among them."""
LEVEL = 0.05
"""One-sided: how often the first candidate that is no better may pass by chance."""


def level_of(comparison: int) -> float:
    """Return the level at which the k-th candidate on one test share is tested, 2 LEVEL / (k (k + 1)).

    All of them together pass by chance as often as twice LEVEL says at most, however many there are.
    """
    return LEVEL * 2 / (comparison * (comparison + 1))


def shortfalls(items: int, random_items: int) -> tuple[str, ...]:
    """Say what a test side lacks for any verdict, as "14 of 15 reviewed comments"; empty: nothing known.

    items: reviewed comments on the test side; random_items: of these, the ones that came up at random.
    """
    needed = (
        (items, MIN_ITEMS, "reviewed comments"),
        (random_items, MIN_RANDOM_ITEMS, "reviewed comments that came up at random"),
    )
    return tuple(f"{number} of {least} {what}" for number, least, what in needed if number < least)
