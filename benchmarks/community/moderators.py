"""Moderators of the forum who read the queue as people do, and err at a known rate.

They work through the pages of the admin alone: log in, open the list, are dealt items, press buttons.

Who errs (by default at 8 % of the decisions) takes a harmless comment for an insult, or a harmful one for
harmless, or, in a third of the errors on harmful comments, gets one label wrong and the outcome right.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.community.generator import Comment
from moderation.models import Review
from toxicity_ml.labels import JIGSAW_LABELS

ERROR_RATE = 0.08
ONE_LABEL = 1 / 3
"""Share of the errors on harmful comments that leave the outcome right and one label wrong."""
UPHOLDS = 0.7
"""How often a moderator who agrees with a flag only upholds it; else the labels are set one by one."""
REPORTED, OPEN = "reported", "open"
"""The lists that are worked, in this order: what readers reported, then all that is open."""
QUEUE = "/admin/moderation/screening/"
_ARTICLE = re.compile(r'id="moderation-item-(\d+)"(.*?)</article>', re.DOTALL)
_DECIDE = re.compile(r"data-console=\"decide\"(.*?)</form>", re.DOTALL)
_INPUT = re.compile(r'<input type="(?:hidden|checkbox)" name="(\w+)" value="([^"]*)"([^>]*)>')


@dataclass(frozen=True)
class Form:
    """An item's form of decision as a page shows it."""

    scoring: str
    seen_number: str
    labels: tuple[str, ...]
    ticked: frozenset[str]
    can_uphold: bool


@dataclass
class Tally:
    """What moderators did."""

    decisions: int = 0
    second_opinions: int = 0
    errors: int = 0
    """Of the decisions, those that err."""
    by_list: dict[str, int] = field(default_factory=dict)

    def add(self, list_name: str, *, is_second: bool, is_error: bool) -> None:
        """Count one more."""
        if is_second:
            self.second_opinions += 1
            return
        self.decisions += 1
        self.errors += is_error
        self.by_list[list_name] = self.by_list.get(list_name, 0) + 1


class Moderator:
    """One person before the queue."""

    def __init__(
        self, client: Any, truth: Mapping[int, Comment], *, error_rate: float = ERROR_RATE, seed: int = 0
    ) -> None:
        """client: a Django test client that is logged in. truth: {screening id: the comment}."""
        self.client = client
        self.truth = truth
        self.error_rate = error_rate
        self.chance = random.Random(seed)

    def work(self, count: int, list_name: str, tally: Tally) -> int:
        """Decide up to `count` items of a list in the order in which they are dealt; return how many."""
        address = f"{QUEUE}?state={list_name}"
        on_page = _forms(self.client.get(address).content.decode())
        start, idle = tally.decisions, 0
        done: set[int] = set()
        while tally.decisions - start < count and not idle:
            answer = self.client.post(
                f"{QUEUE}deal/?state={list_name}",
                {"on_page": [str(key) for key in on_page]},
                headers={"Accept": "application/json"},
            )
            idle = 1
            for item in answer.json()["items"]:
                key = int(item["id"])
                form = on_page.get(key) or _forms(item["html"]).get(key)
                if key in done or form is None or tally.decisions - start >= count:
                    continue
                done.add(key)
                idle = 0
                on_page[key] = form
                self._decide(key, form, list_name, tally)
        return tally.decisions - start

    def _decide(self, key: int, form: Form, list_name: str, tally: Tally) -> None:
        comment = self.truth[key]
        labels, is_error = self.judged(comment.truth)
        answer = self.client.post(
            f"{QUEUE}{key}/decide/?state={list_name}",
            self._pressed(form, labels),
            headers={"Accept": "application/json"},
        )
        if answer.status_code == 200:
            number = answer.json()["review"]
            is_second = Review.objects.get(screening=key, number=number).kind == Review.Kind.SECOND_OPINION
            tally.add(list_name, is_second=is_second, is_error=is_error)

    def judged(self, truth: Sequence[bool]) -> tuple[tuple[bool, ...], bool]:
        """Return the labels that the moderator sees in a comment, and whether that is an error."""
        if self.chance.random() >= self.error_rate:
            return tuple(truth), False
        if not any(truth):
            return tuple(label in ("toxic", "insult") for label in JIGSAW_LABELS), True
        if self.chance.random() >= ONE_LABEL:
            return (False,) * len(truth), True
        wrong = self.chance.choice([place for place in range(1, len(truth))])
        return tuple(value != (place == wrong) for place, value in enumerate(truth)), True

    def _pressed(self, form: Form, labels: Sequence[bool]) -> dict[str, Any]:
        fields: dict[str, Any] = {"scoring": form.scoring, "seen_number": form.seen_number}
        if not any(labels):
            return {**fields, "kind": "false_positive"}
        if form.can_uphold and form.ticked and self.chance.random() < UPHOLDS:
            return {**fields, "kind": "uphold", "shown": list(form.labels), "label": list(form.ticked)}
        seen = dict(zip(JIGSAW_LABELS, labels, strict=True))
        ticked = [label for label in form.labels if seen.get(label)]
        return {**fields, "kind": "relabel", "shown": list(form.labels), "label": ticked}


def _forms(page: str) -> dict[int, Form]:
    """Return {screening id: form} of the items of a page that wait for a decision, in their order."""
    forms = {}
    for key, article in _ARTICLE.findall(page):
        shown = _DECIDE.search(article)
        if shown is not None:
            forms[int(key)] = _form(shown[1])
    return forms


def _form(source: str) -> Form:
    fields = [(name, html.unescape(value), rest) for name, value, rest in _INPUT.findall(source)]
    single = {name: value for name, value, _ in fields}
    return Form(
        scoring=single.get("scoring", ""),
        seen_number=single.get("seen_number", ""),
        labels=tuple(value for name, value, _ in fields if name == "shown"),
        ticked=frozenset(value for name, value, rest in fields if name == "label" and "checked" in rest),
        can_uphold='value="uphold"' in source,
    )
