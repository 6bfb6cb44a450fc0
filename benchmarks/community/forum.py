"""The forum on a site of ours: posts comments, screens them as a worker does, reports, moderates day by day.

Wants a Django that is set up, with `django_comments.Comment` moderated and its database migrated.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.models import Site
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django_comments.models import Comment as SiteComment

from benchmarks.community.generator import MISSED, Comment
from benchmarks.community.moderators import ERROR_RATE, OPEN, REPORTED, Moderator, Tally
from moderation.models import Screening
from moderation.review.decisions import standing_decisions
from moderation.screening import reports
from moderation.worker.drain import drain
from toxicity_ml.labels import JIGSAW_LABELS

CHUNK = 500
MODERATORS = ("anne", "bo", "cleo")
REPORTED_MISSED = 0.12
"""Share of the harmful comments that the model let through which a reader reports."""
REPORTED_OTHERS = 0.002
"""Share of the other public comments that a reader reports."""


@dataclass
class Forum:
    """The site's comments, and what is true of each."""

    truth: dict[int, Comment] = field(default_factory=dict)
    """{screening id: the comment}."""
    tally: Tally = field(default_factory=Tally)

    def live(
        self,
        written: Sequence[Comment],
        *,
        days: int,
        decisions: int,
        error_rate: float = ERROR_RATE,
        reported: float = REPORTED_MISSED,
        seed: int = 0,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Let that many days go by: comments come, are screened and reported, and moderators decide on some.

        Each day has its share of the comments and of the decisions. reported: share of the harmful comments
        that the model let through which a reader reports.
        """
        chance = random.Random(seed)
        people = [
            Moderator(logged_in(name), self.truth, error_rate=error_rate, seed=chance.randrange(10**6))
            for name in MODERATORS
        ]
        for day in range(days):
            today = written[len(written) * day // days : len(written) * (day + 1) // days]
            self.post(today)
            self.report(reported, chance)
            wanted = decisions * (day + 1) // days - decisions * day // days
            for place, person in enumerate(people):
                share = wanted * (place + 1) // len(people) - wanted * place // len(people)
                done = person.work(share, REPORTED, self.tally)
                person.work(share - done, OPEN, self.tally)
            say(f"day {day + 1}: {len(self.truth)} comments, {self.tally.decisions} decisions")

    def post(self, written: Sequence[Comment]) -> None:
        """Save comments one by one, as a view does, and screen them as a worker does."""
        content_type = ContentType.objects.get_for_model(Site)
        for start in range(0, len(written), CHUNK):
            saved: list[tuple[str, Comment]] = []
            with transaction.atomic():
                for comment in written[start : start + CHUNK]:
                    row = SiteComment(
                        content_type=content_type,
                        object_pk="1",
                        site_id=1,
                        user_name=comment.author,
                        comment=comment.text,
                        submit_date=timezone.now(),
                    )
                    row.save()
                    saved.append((str(row.pk), comment))
            drain()
            self._remember(dict(saved))

    def _remember(self, by_object: dict[str, Comment]) -> None:
        rows = Screening.objects.filter(content_type=ContentType.objects.get_for_model(SiteComment))
        objects = list(by_object)
        for start in range(0, len(objects), CHUNK):
            found = rows.filter(object_id__in=objects[start : start + CHUNK])
            for key, object_id in found.values_list("pk", "object_id"):
                self.truth[key] = by_object[object_id]

    def recognise(self, written: Sequence[Comment]) -> None:
        """Know what an earlier process has posted, and that readers have been asked about it.

        written: all comments of the site, in the order in which they were posted.
        """
        posted = SiteComment.objects.order_by("pk").values_list("pk", flat=True)
        self._remember({str(key): comment for key, comment in zip(posted, written, strict=True)})
        self._asked |= self.truth.keys()

    def errors(self, written: Sequence[Comment]) -> int:
        """Return how many standing decisions say of a label what is not true.

        written: all comments of the site, in the order in which they were posted.
        """
        posted = SiteComment.objects.order_by("pk").values_list("pk", flat=True)
        truth = {str(key): comment for key, comment in zip(posted, written, strict=True)}
        decisions = standing_decisions().values_list("screening__object_id", "labels")
        return sum(
            any(
                said is not None and said != true
                for true, said in zip(truth[key].truth, (labels[name] for name in JIGSAW_LABELS), strict=True)
            )
            for key, labels in decisions
        )

    def report(self, share: float, chance: random.Random) -> int:
        """Let readers report public comments that nobody has flagged; return how many reports were made."""
        let_through = Screening.objects.filter(verdict=Screening.Verdict.CLEAR, outcome="", open_reports=0)
        keys = set(let_through.values_list("pk", flat=True)) & self.truth.keys() - self._asked
        self._asked |= keys
        count = 0
        for key in sorted(keys):
            comment = self.truth[key]
            if chance.random() < (share if comment.kind in MISSED else REPORTED_OTHERS * (share > 0)):
                row = SiteComment.objects.get(pk=Screening.objects.get(pk=key).object_id)
                reports.report(row, reason="abuse", reporter=f"reader {chance.randrange(500)}")
                count += 1
        return count

    _asked: set[int] = field(default_factory=set)


def logged_in(name: str) -> Any:
    """Return a test client of the moderator of that name, who is made where there is none."""
    user, is_new = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    if is_new:
        user.user_permissions.add(Permission.objects.get(codename="review_screening"))
    client = Client()
    client.force_login(user)
    return client
