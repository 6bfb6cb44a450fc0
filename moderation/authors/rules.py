"""The site's own rules about authors: AUTHOR_RULES, applied to what people decided of their texts before."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.module_loading import import_string

from moderation import row_errors
from moderation.conf import conf
from moderation.models import Screening
from moderation.models.authors import AuthorTrust
from moderation.models.conditions import DECIDED

logger = logging.getLogger("moderation.screening")

LOOKED_AT = 50
"""The latest decisions about an author that a rule sees."""
Stance = AuthorTrust.Stance
BY_RULE = ("", Stance.HOLD, Stance.NEVER_HOLD)
"""What a rule may answer; a ban is a person's alone."""
Identity = tuple[str, str]


@dataclass(frozen=True)
class Decided:
    """One text of an author on which a person has decided."""

    is_hidden: bool
    """True: hidden, for whatever reason; False: shown."""
    was_flagged: bool
    """True: the model had said that some label counts."""


def stances_by_rule(authors: Collection[Identity]) -> dict[Identity, str]:
    """{(key, name): stance} of those authors to whom a rule applies; two queries, or none without rules.

    What the site's own rule raises is logged, without its message, and leaves that author as usual.
    """
    rule = _rule()
    if rule is None or not authors:
        return {}
    stances = {}
    for author, decided in _decided(authors).items():
        stance = _asked(rule, decided)
        if stance:
            stances[author] = stance
    return stances


def by_numbers(decided: Sequence[Decided], rules: Mapping[str, Mapping[str, int]]) -> str:
    """Apply the rules of the setting to an author's latest decisions, the newest first; empty for none.

    hold: of the last `of_last`, all of which there are, at least `hidden` were hidden. never_hold: at least
    `overturned` were flagged and shown, and none was hidden.
    """
    hold, never_hold = rules.get("hold"), rules.get("never_hold")
    if hold:
        last = decided[: hold["of_last"]]
        if len(last) == hold["of_last"] and sum(each.is_hidden for each in last) >= hold["hidden"]:
            return Stance.HOLD
    overturned = sum(each.was_flagged and not each.is_hidden for each in decided)
    is_blameless = not any(each.is_hidden for each in decided)
    return Stance.NEVER_HOLD if never_hold and is_blameless and overturned >= never_hold["overturned"] else ""


def _rule() -> Callable[[Sequence[Decided]], str] | None:
    rules = conf.AUTHOR_RULES
    if not rules:
        return None
    if isinstance(rules, str):
        own: Callable[[Sequence[Decided]], str] = import_string(rules)
        return own
    return lambda decided: by_numbers(decided, rules)


def _asked(rule: Callable[[Sequence[Decided]], str], decided: Sequence[Decided]) -> str:
    try:
        stance = rule(decided)
    except BaseException as error:
        if row_errors.ends_the_process(error):
            raise
        logger.error("AUTHOR_RULES raised %s; the author's texts are judged as usual.", type(error).__name__)
        return ""
    if stance not in BY_RULE:
        logger.error("AUTHOR_RULES must return one of %s; the texts are judged as usual.", BY_RULE)
        return ""
    return stance


def _decided(authors: Collection[Identity]) -> dict[Identity, list[Decided]]:
    """{author: their latest LOOKED_AT decided texts, the newest first}."""
    keys = [key for key, _ in authors if key]
    names = [name for key, name in authors if not key and name]
    decided: dict[Identity, list[Decided]] = {}
    for of_kind, column in ((Q(author_key__in=keys), "author_key"), (_guests(names), "author_name")):
        if not (keys if column == "author_key" else names):
            continue
        rows = Screening.objects.filter(DECIDED, of_kind).annotate(
            place=Window(RowNumber(), partition_by=F(column), order_by=F("id").desc())
        )
        columns = ("author_key", "author_name", "outcome", "verdict", "labels")
        for key, name, outcome, verdict, labels in (
            rows.filter(place__lte=LOOKED_AT).order_by("-id").values_list(*columns)
        ):
            is_flagged = bool(labels) and verdict in (Screening.Verdict.FLAGGED, Screening.Verdict.HELD)
            author = (key, "" if key else name)
            decided.setdefault(author, []).append(
                Decided(outcome == Screening.Outcome.HIDE, was_flagged=is_flagged)
            )
    return decided


def _guests(names: Sequence[str]) -> Q:
    return Q(author_key="", author_name__in=names)
