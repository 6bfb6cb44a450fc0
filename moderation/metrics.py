"""What this process counts for Prometheus: one small function for each thing that happens. Never a text.

Counting never raises, and costs a web process nothing before something goes wrong. What the database knows
is not counted here but asked for at each scrape: `moderation.monitoring.figures`.

Where the environment variable PROMETHEUS_MULTIPROC_DIR names a folder, the processes of one server or one
worker write their counts there, and whichever of them is scraped adds them up.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

if TYPE_CHECKING:
    from moderation.models import Screening

logger = logging.getLogger("moderation.metrics")

Parameters = ParamSpec("Parameters")


def _make_directory() -> None:
    """The library wants the folder to be there when its first metric is made; a site must start without."""
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if directory is None:
        return
    try:
        os.makedirs(directory, exist_ok=True)
        if not os.access(directory, os.W_OK):
            raise PermissionError
    except OSError as error:
        del os.environ["PROMETHEUS_MULTIPROC_DIR"]
        logger.error(
            "PROMETHEUS_MULTIPROC_DIR can't be written (%s): each process shows its own counts only.",
            type(error).__name__,
        )


_make_directory()

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram  # noqa: E402

PREFIX = "moderation_"
REGISTRY = CollectorRegistry()
"""Of this process; apart from the library's own, so that a site's other metrics stay the site's."""

MODEL_UNAVAILABLE = "model-unavailable"
LIBRARIES_MISSING = "libraries-missing"
"""A heartbeat's trouble; among the failures it counts as MODEL_UNAVAILABLE."""
WORKER_DIED = "worker-died"

PROMISES_LOST = Counter(
    "moderation_promises_lost_total",
    "Comments that could not be noted for screening while they were saved; the sweep finds them.",
    registry=REGISTRY,
)
DOORBELL_FAILURES = Counter(
    "moderation_doorbell_failures_total",
    "Wake-ups that the broker did not take.",
    registry=REGISTRY,
)
BATCH_SIZE = Histogram(
    "moderation_batch_size",
    "Texts in one claim of a worker.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    registry=REGISTRY,
)
SAVE_TO_VERDICT = Histogram(
    "moderation_save_to_verdict_seconds",
    "From the promise (the save, or its discovery) to the stored verdict, by the clocks of both processes.",
    ["priority"],
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 86400),
    registry=REGISTRY,
)
LANGUAGES = Counter(
    "moderation_languages_total",
    "Texts that got a verdict, by whether the model was made for their language: own, other, or unknown.",
    ["language"],
    registry=REGISTRY,
)
SCREENED = Counter(
    "moderation_screened_total", "Texts that got a verdict, by verdict.", ["verdict"], registry=REGISTRY
)
FAILURES = Counter(
    "moderation_failures_total",
    "Errors by our own code: of one text or object (scoring-error:*, language-error:*, reading-error:*, "
    "storing-error:*, acting-error:*, worker-died) or of a part (model-unavailable, store:*, sweep:*, "
    "drain:*).",
    ["code"],
    registry=REGISTRY,
)
LABEL_SCORE = Histogram(
    "moderation_label_score",
    "Calibrated probability of a label, 0 to 1.",
    ["label", "version"],
    buckets=(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1),
    registry=REGISTRY,
)
MODEL_LOAD_SECONDS = Histogram(
    "moderation_model_load_seconds",
    "Fetching, verifying and loading a model version.",
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300),
    registry=REGISTRY,
)
MODEL_LOADED = Gauge(
    "moderation_model_loaded_timestamp_seconds",
    "When this version was last loaded; the latest of them is in use.",
    ["version"],
    registry=REGISTRY,
    multiprocess_mode="max",
)
SWEEPS = Counter("moderation_sweeps_total", "Sweeps, by result.", ["result"], registry=REGISTRY)
DISCOVERED = Counter(
    "moderation_discovered_total",
    "What no receiver saw and a sweep found: new objects, edited texts, objects that are gone, hidden ones "
    "that were shown.",
    ["kind"],
    registry=REGISTRY,
)
REVIEWS = Counter(
    "moderation_reviews_total",
    "What people did in the queue, by kind (decision, undo, second_opinion) and outcome (hide, show, none).",
    ["kind", "outcome"],
    registry=REGISTRY,
)
NUDGES = Counter(
    "moderation_nudges_total",
    "Authors who were told before posting what a text may be read as, and what they did then.",
    ["label", "answer"],
    registry=REGISTRY,
)
NUDGES_GIVEN_UP = Counter(
    "moderation_nudges_given_up_total",
    "Texts that were posted without a look at them, as none was possible in time.",
    ["reason"],
    registry=REGISTRY,
)
WEBHOOK_TRIES = Counter(
    "moderation_webhook_tries_total",
    "Tries to deliver an event to a webhook, by result: delivered, failed, or given-up after the last one.",
    ["result"],
    registry=REGISTRY,
)
HEARTBEAT = Gauge(
    "moderation_worker_heartbeat_timestamp_seconds",
    "When a worker's loop last went round; 0 in a process that screens nothing.",
    registry=REGISTRY,
    multiprocess_mode="max",
)
# A counter that appears with its first event seems never to have risen: these stand at 0 from the start.
for _code in (MODEL_UNAVAILABLE, WORKER_DIED):
    FAILURES.labels(_code)
for _verdict in ("clear", "flagged", "held", "unjudged"):
    SCREENED.labels(_verdict)
for _language in ("own", "other", "unknown"):
    LANGUAGES.labels(_language)
for _outcome in ("hide", "show"):
    REVIEWS.labels("decision", _outcome)
for _result in ("ok", "failed"):
    SWEEPS.labels(_result)
for _result in ("delivered", "failed", "given-up"):
    WEBHOOK_TRIES.labels(_result)

loaded_version = ""
"""The model version that this process scores with, once it is loaded."""
trouble = ""
"""Our code for it, from the moment the model fails until something is stored again; else empty."""


def is_multiprocess() -> bool:
    """True where the counts of several processes are added up."""
    return bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))


def _harmless(count: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Nobody's save and nobody's verdict fails because something could not be counted."""

    @wraps(count)
    def counted(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            count(*args, **kwargs)
        except Exception as error:  # such as a folder of PROMETHEUS_MULTIPROC_DIR that is gone
            logger.debug("Not counted (%s).", type(error).__name__)

    return counted


@_harmless
def count_loss() -> None:
    """Count a save or a deletion that could not be noted for screening."""
    PROMISES_LOST.inc()


@_harmless
def count_notifier_failure() -> None:
    """The broker did not take a wake-up."""
    DOORBELL_FAILURES.inc()


@_harmless
def count_failure(code: str, count: int = 1) -> None:
    """`count` errors of one kind; `code` is ours, or ends in the name of an exception's type."""
    if count:
        FAILURES.labels(code).inc(count)


@_harmless
def count_sweep(*, is_ok: bool) -> None:
    """A sweep ended, or an error ended it."""
    SWEEPS.labels("ok" if is_ok else "failed").inc()


@_harmless
def count_discovered(**kinds: int) -> None:
    """What a sweep found that no receiver had seen: {new, edited, gone: how many}."""
    for kind, count in kinds.items():
        DISCOVERED.labels(kind).inc(count)


@_harmless
def count_review(kind: str, outcome: str) -> None:
    """A person decided, took a decision back, or gave a second opinion; an undo has an empty outcome."""
    REVIEWS.labels(kind, outcome or "none").inc()


@_harmless
def count_nudge(label: str, answer: str) -> None:
    """An author was told of a label: answer is `shown`, and later `edited` or `posted_anyway`."""
    NUDGES.labels(label, answer).inc()


@_harmless
def count_nudge_given_up(reason: str) -> None:
    """A text was not looked at before it was posted: loading, busy, slow, long, model or error."""
    NUDGES_GIVEN_UP.labels(reason).inc()


@_harmless
def count_webhook_tries(result: str, count: int = 1) -> None:
    """Count tries to deliver to a webhook: `delivered`, `failed`, or `given-up` for good."""
    if count:
        WEBHOOK_TRIES.labels(result).inc(count)


@_harmless
def observe_batch(size: int) -> None:
    """A worker claimed `size` texts."""
    BATCH_SIZE.observe(size)


@_harmless
def observe_stored(
    rows: Sequence[Screening], scores: Mapping[int, Mapping[str, float]], version: str
) -> None:
    """Verdicts were stored: for each row its latency, its verdict, and the score of each label.

    rows: with `scored` set. scores: {id of the row: {label: probability}}, of those that were judged.
    """
    global trouble
    trouble = ""
    for row in rows:
        SCREENED.labels(row.verdict).inc()
        if row.scored is not None:
            waited = (row.scored - row.created).total_seconds()
            SAVE_TO_VERDICT.labels(priority_name(row.priority)).observe(max(0.0, waited))
        for label, score in scores.get(row.pk, {}).items():
            LABEL_SCORE.labels(label, version).observe(score)


@_harmless
def count_languages(tags: Sequence[str], own: Sequence[str]) -> None:
    """Count the languages of n texts, empty where they could not be told. own: those of the model."""
    for tag in tags:
        LANGUAGES.labels("unknown" if not tag else "own" if tag in own else "other").inc()


@_harmless
def model_loaded(version: str, seconds: float) -> None:
    """Count that this process loaded and verified a version, which took `seconds`."""
    global loaded_version, trouble
    loaded_version, trouble = version, ""
    MODEL_LOAD_SECONDS.observe(seconds)
    MODEL_LOADED.labels(version).set(time.time())


@_harmless
def model_unavailable(*, lacks_libraries: bool = False) -> None:
    """The active version can't be loaded, or scores nothing: comments stay pending.

    lacks_libraries: True where the machine has no libraries to load any version with.
    """
    global trouble
    trouble = LIBRARIES_MISSING if lacks_libraries else MODEL_UNAVAILABLE
    FAILURES.labels(MODEL_UNAVAILABLE).inc()


@_harmless
def heartbeat() -> None:
    """This worker's loop goes round."""
    HEARTBEAT.set(time.time())


def priority_name(priority: int) -> str:
    """`normal`, `low` and so on; a number that has no name stays one."""
    from moderation.models import Screening

    try:
        return Screening.Priority(priority).name.lower()
    except ValueError:
        return str(priority)
