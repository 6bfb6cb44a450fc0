"""Reads the pipeline's state from the database, in few queries, each on an index of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Q, QuerySet

from moderation.clock import Now, unset_or_before
from moderation.conf import conf
from moderation.coordination import processes
from moderation.metrics import priority_name
from moderation.models import Discovery, Screening, Webhook, WebhookDelivery, WorkerHeartbeat
from moderation.models.conditions import DRAWN_BY_CHANCE
from moderation.versions import watch
from moderation.versions.active import find_active
from moderation.visibility import pending_actions

COUNT_AT_MOST = 100_000
"""A longer backlog is given as this many: a scrape must not cost more the worse things are."""
QUEUE_AT_MOST = 10_000
"""The same for what waits for a person; the reasons stand in the rows, not in the index."""


@dataclass(frozen=True)
class Worker:
    """One process that screens, as its heartbeat tells."""

    name: str
    age: float
    """Seconds since it last said so."""
    version: str
    """The model version that it has loaded; empty: none."""
    trouble: str
    """Our code for why it can't score; empty: nothing known."""
    is_gone: bool = False
    """True where it ran on this machine and has ended without a word, as one that was killed does."""


@dataclass(frozen=True)
class Webhooks:
    """How the deliveries to webhooks fare."""

    enabled: int
    waiting: int
    """Deliveries that are neither acknowledged nor given up, COUNT_AT_MOST at most."""
    oldest: float
    """Age in seconds of the oldest of those; 0 where none waits."""
    failing: Mapping[int, float]
    """{id of an enabled webhook that fails: for how many seconds}."""


@dataclass(frozen=True)
class Waiting:
    """What waits for a person; all ages in seconds of the database's clock."""

    by_reason: Mapping[str, int]
    """{reason: how many wait, among the QUEUE_AT_MOST most severe}; every reason is in it, but for the audit:
    its open items count with the flagged ones, so that no count tells what an item is."""
    oldest: float
    """Age of the oldest item among the same; 0 where none waits."""
    oldest_held: float
    """Age of the oldest hidden comment among them."""


@dataclass(frozen=True)
class Figures:
    """The state of the pipeline at one moment; all ages in seconds of the database's clock."""

    pending: Mapping[str, int]
    """{priority: how many wait, COUNT_AT_MOST at most}; every priority stands in it."""
    oldest: Mapping[str, float]
    """{priority: age of the oldest that waits}; 0 where none does."""
    failed: int
    """Count texts that could not be scored and that no person has judged."""
    queue: Mapping[str, int]
    """As `Waiting.by_reason`."""
    suggested: int
    """Count texts with labels from API clients that wait for a person, QUEUE_AT_MOST at most."""
    oldest_held: float
    """Age of the oldest hidden comment that waits for a person, among the same; 0 where none waits."""
    actions: int
    """Hidings and showings still to be carried out."""
    active_version: str
    """Empty: none is registered yet, which the first worker does."""
    workers: tuple[Worker, ...]
    """Seen within the last day, the latest first."""
    compare_ages: Mapping[str, float]
    """{model: seconds since its texts were last compared}; models never compared so far are left out."""
    webhooks: Webhooks
    is_model_worse: bool
    """True where decisions show the active version to be worse than the one before it."""

    def alive(self, within: float) -> tuple[Worker, ...]:
        """Return the workers that run, as far as is known, and were seen in the last `within` seconds."""
        return tuple(worker for worker in self.workers if worker.age <= within and not worker.is_gone)


def read() -> Figures:
    """Read all figures from the database. Raises DatabaseError."""
    pending, oldest = pending_by_priority()
    people = queue_of(Screening.objects.open())
    return Figures(
        pending=pending,
        oldest=oldest,
        failed=Screening.objects.failed_undecided().count(),
        queue=people.by_reason,
        suggested=suggested(),
        oldest_held=people.oldest_held,
        actions=Screening.objects.action_pending().count(),
        active_version=_active_version(),
        workers=workers_seen(),
        compare_ages=_compare_ages(),
        webhooks=_webhooks(),
        is_model_worse=_is_model_worse(),
    )


def _is_model_worse() -> bool:
    last = watch.last_look()
    return last is not None and bool(last[0]["is_worse"])


def queue_of(rows: QuerySet[Screening]) -> Waiting:
    """Say what of these open rows, the most severe first, waits for a person; one query."""
    reasons = Screening.QueuedFor.values
    counts = rows[:QUEUE_AT_MOST].aggregate(
        **{reason: Count("pk", filter=Q(queued_for=reason)) for reason in reasons},
        oldest=Max(_since("created")),
        oldest_held=Max(_since("created"), filter=Q(hidden_by_us=True)),
    )
    ages = {name: counts.pop(name) for name in ("oldest", "oldest_held")}
    for reason in DRAWN_BY_CHANCE:
        counts[Screening.QueuedFor.FLAGGED] += counts.pop(reason)
    seconds = {name: max(0.0, age.total_seconds()) if age else 0.0 for name, age in ages.items()}
    return Waiting(counts, **seconds)


def suggested() -> int:
    """Count the texts with labels from API clients that wait for a person, QUEUE_AT_MOST at most."""
    return Screening.objects.suggested()[:QUEUE_AT_MOST].count()


def overdue_actions(seconds: float) -> int:
    """Count the hidings and showings that were decided longer ago than that and are still pending."""
    before = Now() - timedelta(seconds=seconds)
    stuck = Screening.objects.action_pending().filter(created__lt=before)
    for column in ("scored", "reviewed"):
        stuck = stuck.filter(unset_or_before(column, before))
    return stuck.count()


def hanging_actions() -> int:
    """Count the hidings and showings that began and never ended: a callable hangs, or its worker died."""
    begun = Q(action_token__isnull=False, action_until__lt=Now())
    never_ended = begun | Q(error_code=pending_actions.NEVER_ENDED)
    return Screening.objects.action_pending().filter(never_ended).count()


def alive_within() -> float:
    """Return the age in seconds over which a heartbeat counts as dead; each sweep and batch renews it."""
    return max(120.0, 4 * conf.SWEEP_SECONDS)


def silent_after() -> float:
    """Return the age in seconds from which a heartbeat is late: an idle worker beats with each sweep."""
    return 2 * conf.SWEEP_SECONDS


def pending_by_priority() -> tuple[dict[str, int], dict[str, float]]:
    """Count the pending texts by priority, with the age of the oldest, the first of its part of the index."""
    counts, ages = {}, {}
    for priority in Screening.Priority:
        name = priority_name(priority)
        waiting = Screening.objects.pending().filter(priority=priority)
        oldest = waiting.order_by("created").annotate(age=_since("created")).values_list("age", flat=True)
        age = oldest.first()
        counts[name] = 0 if age is None else waiting[:COUNT_AT_MOST].count()
        ages[name] = 0.0 if age is None else max(0.0, age.total_seconds())
    return counts, ages


def _active_version() -> str:
    version = find_active()
    return "" if version is None else str(version)


def workers_seen() -> tuple[Worker, ...]:
    """Return the processes that screened within the last day, the latest first."""
    recent = WorkerHeartbeat.objects.filter(seen__gte=Now() - timedelta(days=1)).annotate(age=_since("seen"))
    return tuple(
        Worker(
            row.name,
            max(0.0, row.age.total_seconds()),
            row.version,
            row.trouble,
            processes.is_known_to_be_gone(row.name),
        )
        for row in recent.order_by("-seen")
    )


def _compare_ages() -> dict[str, float]:
    rows = Discovery.objects.exclude(compared=None).annotate(age=_since("compared"))
    return {
        str(label): max(0.0, age.total_seconds()) for label, age in rows.values_list("model_label", "age")
    }


def _webhooks() -> Webhooks:
    enabled = Webhook.objects.enabled().annotate(age=_since("failing_since"))
    ages = dict(enabled.order_by("pk").values_list("pk", "age"))
    waiting = WebhookDelivery.objects.waiting().filter(webhook__in=list(ages))
    oldest = [age for webhook in ages if (age := _oldest_of(webhook)) is not None]
    return Webhooks(
        enabled=len(ages),
        waiting=waiting[:COUNT_AT_MOST].count() if oldest else 0,
        oldest=max(0.0, *oldest) if oldest else 0.0,
        failing={key: max(0.0, age.total_seconds()) for key, age in ages.items() if age is not None},
    )


def _oldest_of(webhook: int) -> float | None:
    """The age in seconds of the first delivery that waits for a webhook, by its index; None: none waits."""
    waiting = WebhookDelivery.objects.waiting().filter(webhook=webhook).order_by("id")
    age = waiting.annotate(age=_since("waiting_since")).values_list("age", flat=True).first()
    return None if age is None else age.total_seconds()


def _since(column: str) -> ExpressionWrapper:
    return ExpressionWrapper(Now() - F(column), output_field=DurationField())
