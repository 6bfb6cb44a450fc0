"""Estimates how many more mistakes a candidate makes, from the comments on which it differs. Pure functions.

What both versions flag, or neither, makes no difference between them: they err on it alike. So the difference
is known from the disagreements alone, each of which is right for one version and wrong for the other (McNemar
1947), and all disagreements are counted, reviewed or not. Only which is right is estimated, for either kind
by itself: the candidate's came into the queue by chance, the active version's for certain.
"""

from __future__ import annotations

from dataclasses import dataclass

from moderation.shadow.intervals import Share, Sum, combined, exact

MIN_REVIEWED = 10
"""Reviewed disagreements under which nothing is said of which version is right."""
MIN_READ = 0.5
"""Share of what the active version alone flags that has to be reviewed: moderators read the worst first, so
the rest may differ from what they have read."""


@dataclass(frozen=True)
class Reviewed:
    """The disagreements of one kind: those that one of the versions alone flags."""

    found: int
    """All of them."""
    came_up: int
    """Those that came into the queue."""
    reviewed: int
    """Those on which a decision stands that says whether something is wrong with the text."""
    right: int
    """Of these, where something is: the version that flags them is right."""

    @property
    def share(self) -> Share:
        """Return the share in which the version that flags is right, with its exact interval."""
        return exact(self.right, self.reviewed)


def difference_of(of_active: Reviewed, of_candidate: Reviewed, scored: int) -> Sum | None:
    """Estimate how many more mistakes per comment the candidate makes than the active version.

    None where too few disagreements are reviewed to tell. Flagging what nobody minds and passing over what
    somebody does are each one mistake.
    """
    if not scored or of_active.reviewed + of_candidate.reviewed < MIN_REVIEWED:
        return None
    if (of_candidate.found and not of_candidate.reviewed) or (
        of_active.reviewed < MIN_READ * of_active.found
    ):
        return None
    return estimated(of_active, of_candidate, scored)


def estimated(of_active: Reviewed, of_candidate: Reviewed, scored: int) -> Sum:
    """Estimate what `difference_of` does, however few were reviewed. scored: over 0."""
    parts = [
        (2 * of_active.found / scored, of_active.share),  # where it flags and is right, the candidate errs
        (-2 * of_candidate.found / scored, of_candidate.share),
    ]
    known = [(weight, share) for weight, share in parts if weight]
    sums = combined(known)
    offset = (of_candidate.found - of_active.found) / scored
    return Sum(sums.value + offset, sums.low + offset, sums.high + offset)
