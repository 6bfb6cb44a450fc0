"""Tells what other thresholds would make of the latest screenings; changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from moderation import policies, registry
from moderation.models import ModelVersion, Scoring, Screening
from moderation.models.content_types import content_type_of
from moderation.policies import Judgement, Thresholds
from moderation.registry import Registered
from moderation.review import blind
from moderation.screening.judging import (
    labels_with_policy,
    newest_policy,
    thresholds_of,
    thresholds_with,
)

__all__ = ["Change", "Counts", "Preview", "models_of", "preview"]

LATEST = 1000
"""Screenings that are judged again for a preview."""
LOOKED_THROUGH = 100_000
"""Ids of screenings, back from the newest, among which those are looked for: it bounds the query."""
NAMED = 20
"""Screenings that are named one by one."""
FEWEST_WITHHELD = 20
"""Items that wait to be judged without scores count in the totals from this number on: those of fewer would
tell, held against what is named or against other thresholds, what the model says of each."""


@dataclass
class Counts:
    """How many of the screenings looked at are flagged alone, and how many are held."""

    flagged: int = 0
    held: int = 0

    def add(self, verdict: str) -> None:
        """Count one more."""
        self.flagged += verdict == policies.FLAGGED
        self.held += verdict == policies.HELD


@dataclass(frozen=True)
class Change:
    """One screening of which the thresholds would make something else."""

    screening: Screening
    before: Judgement
    after: Judgement


@dataclass
class Preview:
    """What proposed thresholds make of the latest screenings, beside what those in force make of them."""

    looked_at: int = 0
    now: Counts = field(default_factory=Counts)
    then: Counts = field(default_factory=Counts)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """{(verdict now, verdict then): how many}, of those that differ."""
    named: list[Change] = field(default_factory=list)
    """The newest that differ, but for those that are still to be judged blind."""
    leaves_out: bool = False
    """True where such items are left out of the totals, too, as they are few."""


def models_of(model_label: str) -> list[Registered]:
    """Return the registered models that a policy of this label covers.

    An empty label covers each model without a policy of its own. Raises LookupError for a label of none.
    """
    if model_label:
        entry = registry.get(model_label)
        if entry is None:
            raise LookupError(model_label)
        return [entry]
    with_own = labels_with_policy()
    return [entry for entry in registry.registered() if entry.label not in with_own]


def preview(
    model_label: str,
    proposed: Mapping[str, Mapping[str, float | None]] | None,
    version: ModelVersion,
    dealt: Collection[int] = (),
) -> Preview:
    """Judge the latest screenings by the thresholds in force and by `proposed`, from their stored scores.

    proposed: as `Policy.thresholds`; None: what would hold if the policy of this label were withdrawn. dealt:
    ids of what is dealt to the one who asks for a second opinion, which is told as what waits blind.
    """
    in_force: dict[int, Thresholds] = {}
    then: dict[int, Thresholds] = {}
    for entry in models_of(model_label):
        key = content_type_of(entry.model).pk
        in_force[key], _stored = thresholds_of(entry, version)
        then[key] = thresholds_with(_proposed(model_label, proposed), entry, version)
    scorings = _latest(version, list(in_force))
    withheld = {scoring.screening_id for scoring in scorings if _is_withheld(scoring.screening, dealt)}
    result = Preview(leaves_out=0 < len(withheld) < FEWEST_WITHHELD)
    for scoring in scorings:
        row = scoring.screening
        if result.leaves_out and row.pk in withheld:
            continue
        before = policies.judge(scoring.scores, in_force[row.content_type_id])  # type: ignore[index]
        after = policies.judge(scoring.scores, then[row.content_type_id])  # type: ignore[index]
        result.looked_at += 1
        result.now.add(before.verdict)
        result.then.add(after.verdict)
        if before.verdict != after.verdict:
            result.changes[before.verdict, after.verdict] += 1
            if len(result.named) < NAMED and row.pk not in withheld:
                result.named.append(Change(row, before, after))
    _read_texts(result.named)
    return result


def _is_withheld(row: Screening, dealt: Collection[int]) -> bool:
    """True of what is judged without scores and waits, as far as who asks is to know."""
    return row.pk in dealt or (not row.outcome and blind.is_blind(row))


def _proposed(
    model_label: str, proposed: Mapping[str, Mapping[str, float | None]] | None
) -> Mapping[str, Mapping[str, float | None]]:
    if proposed is not None:
        return proposed
    general = newest_policy("") if model_label else None
    return general.thresholds if general else {}


def _latest(version: ModelVersion, content_types: list[int]) -> list[Scoring]:
    """Read the newest verdicts of these models that rest on this version, without their texts."""
    newest = Screening.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    rows = Scoring.objects.filter(
        is_basis=True,
        model_version=version,
        screening_id__gt=newest - LOOKED_THROUGH,
        screening__is_current=True,
        screening__content_type__in=content_types,
    )
    rows = rows.select_related("screening__content_type").defer("screening__text").order_by("-screening_id")
    return list(rows[:LATEST])


def _read_texts(changes: list[Change]) -> None:
    texts = dict(
        Screening.objects.filter(pk__in=[change.screening.pk for change in changes]).values_list("pk", "text")
    )
    for change in changes:
        change.screening.text = texts.get(change.screening.pk, "")
