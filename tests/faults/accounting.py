"""What must be true after every fault: the books of one scenario, opened before it and closed at its end.

Whoever wrote it, through whatever trouble: each live text has exactly one current screening, in the state
that the text deserves; nothing is held back half-way; what people decided stands; and nobody's words are
anywhere but where they belong.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.mail import EmailMessage
from django.db import DataError, models, transaction
from django.test import Client

from moderation import policies, registry
from moderation.models import LabelScore, Review, Scoring, Screening
from moderation.registry import Registered
from moderation.review import decisions as reviewing
from moderation.screening.judging import thresholds_for
from moderation.screening.receivers import losses
from moderation.texts import storable
from moderation.versions import store
from moderation.worker.drain import drain
from tests.faults import canary as canaries
from tests.faults.canary import SiteLog
from tests.faults.workers import Workers
from tests.forum.models import Letter, Note, Post
from toxicity_ml.classifier import Classifier

FRIENDLY = "Thank you for the friendly answer, that was helpful."
TOXIC = "You are a fucking idiot, shut up."
LONG = "The market square was quiet in the morning, and people talked about the weather. " * 6
"""Some milliseconds of a core."""
SLOW = "word " * 4000
"""Takes about a second."""


class Books:
    """Of one scenario."""

    def __init__(
        self, name: str, workers: Workers, redis_url: str, site_log: SiteLog, mails: list[EmailMessage]
    ) -> None:
        self.canary = f"kestrel{uuid.uuid4().hex[:14]}"
        self.line = ""
        """The account, once they are closed."""
        self.notes: list[str] = []
        """Figures of the scenario that belong to it."""
        self.other_logs: list[Path] = []
        """Of servers."""
        self.waiting = 0
        """How many comments are pending once they are opened."""
        self._name = name
        self._workers = workers
        self._redis_url = redis_url
        self._site_log = site_log
        self._mails = mails
        self._count = 0
        self._losses = losses()
        self._decided: dict[str, Any] = {}

    def open(self) -> None:
        """Have some comments decided by a person, and some of the nastier ones wait."""
        decisions: list[tuple[type[models.Model], str, str, dict[str, bool] | None]] = [
            (Post, TOXIC, "uphold", None),
            (Post, TOXIC, "false_positive", None),
            (Note, TOXIC, "false_positive", None),
            (Note, FRIENDLY, "relabel", {"toxic": True}),
            (Letter, TOXIC, "uphold", None),
        ]
        objects = [self.comment(model, text) for model, text, *_ in decisions]
        drain()
        reviewer = get_user_model().objects.create_superuser("moderator")
        for instance, (_, _, kind, ticked) in zip(objects, decisions, strict=True):
            row = Screening.objects.get(
                object_id=str(instance.pk), is_current=True, field=_text_field(instance)
            )
            labels = {label: bool((ticked or {}).get(label)) for label in row.basis().scores}  # type: ignore[union-attr]
            reviewing.decide(row.pk, reviewer=reviewer, kind=kind, labels=labels if ticked else None)
        self._decided = self._decisions()
        assert len(self._decided["screenings"]) == len(decisions)
        self.comment(Letter, f"\u202e{TOXIC}\u202c")
        for nasty in ("\0", "\ud800"):
            # What a database does not take is an error of the site's own save, before moderation is asked.
            try:
                with transaction.atomic():
                    self.comment(Post, f"{nasty} {FRIENDLY}")
            except (ValueError, DataError):
                continue
        self.waiting = Screening.objects.pending().count()

    def comment(self, model: type[models.Model], text: str = FRIENDLY, **columns: Any) -> Any:
        """Save one, with the canary in its text and no other with the same text."""
        return model._default_manager.create(**{_text_field(model): self.words(text), **columns})

    def words(self, text: str = FRIENDLY) -> str:
        """`text` with the canary, unlike every other."""
        self._count += 1
        return f"{self._count} {self.canary} {text}"

    def close(
        self,
        *,
        failed: Collection[models.Model] = (),
        hidden_by_site: Collection[models.Model] = (),
        edited: Collection[models.Model] = (),
    ) -> None:
        """Wait until nothing is left to do, and assert all that must be true then.

        failed: the objects whose text no worker survives. hidden_by_site: those that somebody else hid.
        edited: those that changed after a person decided, so that the decision is about an earlier text.
        """
        self._workers.wait_for(lambda: not left_to_do(), "everything to be done")
        states: Counter[str] = Counter()
        for entry in registry.registered():
            objects = list(entry.model._base_manager.order_by("pk"))
            currents = _currents(entry)
            judged = _judged([rows[0] for rows in currents.values()])
            for instance in objects:
                rows = currents.pop(str(instance.pk), [])
                assert len(rows) == 1, f"{entry.label} {instance.pk} has {len(rows)} current screenings"
                has_failed = instance in failed
                _check_state(rows[0], instance, entry, judged[rows[0].pk], has_failed=has_failed)
                _check_visibility(rows[0], instance, entry, hidden_by_site=instance in hidden_by_site)
                states["failed" if has_failed else rows[0].verdict] += 1
            assert not currents, f"{entry.label}: screenings of objects that are no more: {list(currents)}"
        assert states["failed"] == len(failed)
        assert self._decisions() == self._as_edited(edited)
        self.look_for_canary()
        self.line = self._account(states)

    def _decisions(self) -> dict[str, Any]:
        """What a person decided, and all that hangs on it."""
        rows = list(Screening.objects.exclude(outcome="").order_by("id").values())
        scorings = Scoring.objects.filter(screening__in=[row["id"] for row in rows])
        return {
            "screenings": rows,
            "reviews": list(Review.objects.order_by("id").values()),
            "scorings": list(scorings.order_by("id").values()),
            "hidden": [_is_hidden(_live(row)) for row in rows],
        }

    def _as_edited(self, edited: Collection[models.Model]) -> dict[str, Any]:
        """What was decided, with only that changed which an edit changes: the text is not the current one."""
        for row in self._decided["screenings"]:
            if _live(row) in edited:
                row["is_current"] = False
        return self._decided

    def look_for_canary(self) -> None:
        client = Client()
        client.force_login(get_user_model().objects.get(username="moderator"))
        pages = {path: client.get(f"/{path}") for path in canaries.pages_of_figures()}
        assert not {page.status_code for page in pages.values()} & {302, 401, 403, 404}, pages
        found = {
            "worker logs": canaries.in_files(self.canary, self._workers.logs()),
            "the site's log": [
                line[:80] for line in self._site_log.lines if canaries.is_in(self.canary, line)
            ],
            "server logs": canaries.in_files(self.canary, self.other_logs),
            "tables": canaries.in_tables(self.canary),
            "Redis": canaries.in_redis(self.canary, self._redis_url),
            "error mails of the site": canaries.in_mails(self.canary, self._mails),
            "error mails of workers": canaries.in_mail_files(self.canary, self._workers.mails),
            "pages of figures": [
                path for path, page in pages.items() if canaries.is_in(self.canary, page.content)
            ],
        }
        assert not any(found.values()), found

    def _account(self, states: Mapping[str, int]) -> str:
        rows = Screening.objects.all()
        counts = {
            **{name: states[name] for name in ("clear", "flagged", "held", "failed")},
            "decided": len(self._decided["screenings"]),
            "deaths": sum(rows.values_list("deaths", flat=True)),
            "attempts": sum(rows.values_list("attempts", flat=True)),
            "superseded": rows.filter(is_current=False).count(),
            "promises lost": losses() - self._losses,
        }
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        return f"{self._name}: {sum(states.values())} comments: {said}"


def left_to_do() -> bool:
    """Whether anything waits for a worker, or has no screening yet.

    Asked in the order in which work goes on, so that nothing moves past these questions: what has no
    screening gets one, which is pending, is stored with its action, and is let go.
    """
    rows = Screening.objects.filter(is_current=True)
    return (
        any(_has_unscreened(entry, rows) for entry in registry.registered())
        or Screening.objects.pending().exists()
        or rows.filter(action_pending=True).exists()
        or Screening.objects.filter(lease_token__isnull=False).exists()
    )


def _has_unscreened(entry: Registered, rows: models.QuerySet[Screening]) -> bool:
    content_type = ContentType.objects.get_for_model(entry.model)
    return entry.model._base_manager.count() > rows.filter(content_type=content_type).count()


def _currents(entry: Registered) -> dict[str, list[Screening]]:
    found: dict[str, list[Screening]] = {}
    content_type = ContentType.objects.get_for_model(entry.model)
    for row in Screening.objects.filter(content_type=content_type, is_current=True).order_by("id"):
        found.setdefault(row.object_id, []).append(row)
    return found


def _judged(rows: Sequence[Screening]) -> dict[int, tuple[Mapping[str, float], policies.Judgement]]:
    """What the classifier itself says of each text, and what the thresholds in force make of it."""
    if not rows:
        return {}
    version = store.active_version()
    scores = _classifier(version.manifest_sha256).predict([row.text for row in rows])
    thresholds, _ = thresholds_for(rows[0], version)
    return {row.pk: (said, policies.judge(said, thresholds)) for row, said in zip(rows, scores, strict=True)}


@cache
def _classifier(manifest_sha256: str) -> Classifier:
    version = store.active_version()
    assert version.manifest_sha256 == manifest_sha256
    return Classifier.load(store.local_directory(version), verify=False)


def _check_state(
    row: Screening,
    instance: models.Model,
    entry: Registered,
    judged: tuple[Mapping[str, float], policies.Judgement],
    *,
    has_failed: bool,
) -> None:
    where = f"{entry.label} {instance.pk}"
    scores, judgement = judged
    live = getattr(instance, entry.text.columns[0])
    assert row.text == storable("" if live is None else str(live)), where
    assert (row.lease_token, row.action_pending, row.blanked) == (None, False, None), where
    if has_failed:
        assert (row.status, row.queued_for, row.outcome) == ("failed", "failed", ""), where
        assert row.is_open and row.error_code, where
        return
    assert (row.status, row.verdict, row.error_code) == ("done", judgement.verdict, ""), where
    (scoring,) = row.scorings.all()
    assert (scoring.purpose, scoring.is_basis) == (Scoring.Purpose.LIVE, True), where
    assert scoring.scores.keys() == scores.keys(), where
    assert all(abs(scoring.scores[label] - score) < 1e-4 for label, score in scores.items()), where
    labels = LabelScore.objects.filter(scoring=scoring).values_list("label", flat=True)
    assert sorted(labels) == sorted(judgement.labels), where
    if judgement.verdict == policies.CLEAR:
        assert row.queued_for in ("", "audit", "edited"), where
    else:
        assert row.queued_for in (judgement.verdict, "edited"), where


def _check_visibility(
    row: Screening, instance: models.Model, entry: Registered, *, hidden_by_site: bool
) -> None:
    if hidden_by_site:
        is_hidden = True
    elif row.outcome:
        is_hidden = row.outcome == "hide"
    elif row.queued_for == "edited":
        is_hidden = True
    elif row.status == "failed":
        is_hidden = entry.while_pending == "hide"
    else:
        is_hidden = row.verdict == "held"
    assert _is_hidden(instance) == is_hidden, f"{entry.label} {instance.pk} hidden: {not is_hidden}"


def _is_hidden(instance: models.Model | None) -> bool:
    if isinstance(instance, Letter):  # hidden by the site's own callables
        return instance.is_withdrawn
    entry = registry.for_model(type(instance)) if instance is not None else None
    assert entry is not None and entry.hide is not None
    return bool(getattr(instance, entry.hide.field) != entry.hide.visible)


def _live(row: Mapping[str, Any]) -> models.Model | None:
    model = ContentType.objects.get_for_id(row["content_type_id"]).model_class()
    return None if model is None else model._base_manager.filter(pk=row["object_id"]).first()


def _text_field(model: type[models.Model] | models.Model) -> str:
    entry = registry.for_model(model if isinstance(model, type) else type(model))
    assert entry is not None
    return entry.text.columns[0]
