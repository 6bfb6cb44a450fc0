"""Renders the page that Prometheus reads: this process's counters, and figures from the database."""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Iterator, Mapping

from django.db import DatabaseError
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from moderation import metrics
from moderation.conf import conf
from moderation.monitoring import figures
from moderation.monitoring.figures import Figures

logger = logging.getLogger("moderation.monitoring")

PATIENCE = 5.0
"""Seconds that a scrape waits for another one that is asking the database, before it goes without."""


def render(accept: str = "") -> tuple[bytes, str]:
    """Return the page and its content type, in the format that the Accept header asks for. Never raises."""
    encode, content_type = choose_encoder(accept)
    return encode(_Page()), content_type


def has_token(authorization: str) -> bool:
    """True where an Authorization header carries MODERATION["METRICS_TOKEN"]; False where that is not set."""
    token = conf.METRICS_TOKEN
    expected = f"Bearer {token}".encode()
    return bool(token) and hmac.compare_digest(authorization.encode("utf-8", "replace"), expected)


def counted() -> Iterator[Metric]:
    """Return the counters of this process, or of all that share its folder, ended ones included."""
    if not metrics.is_multiprocess():
        yield from metrics.REGISTRY.collect()
        yield from _process.collect()
        return
    try:
        together = list(MultiProcessCollector(None).collect())  # type: ignore[no-untyped-call]
    except Exception as error:  # a file that a full disk cut off can fail in many ways
        logger.warning("The processes' counts can't be read (%s).", type(error).__name__)
        return
    # The folder may hold a site's other metrics, too; those are not ours to show.
    yield from (metric for metric in together if metric.name.startswith(metrics.PREFIX))


class _Page:
    """What the library's encoders take for a registry."""

    def collect(self) -> Iterator[Metric]:
        yield from counted()
        yield from _known()


_process = ProcessCollector(registry=CollectorRegistry())
_asking = threading.Lock()


def _known() -> Iterator[Metric]:
    current = _ask()
    up = GaugeMetricFamily(
        "moderation_database_up", "1: the database answered; else its figures are missing."
    )
    up.add_metric([], current is not None)
    yield up
    if current is not None:
        yield from _of_the_database(current)


def _ask() -> Figures | None:
    """Read the figures for one scrape at a time, lest scrapes pile up connections to a hanging database."""
    if not _asking.acquire(timeout=PATIENCE):
        return None
    try:
        return figures.read()
    except DatabaseError as error:
        logger.warning("The database gave no figures (%s).", type(error).__name__)
        return None
    finally:
        _asking.release()


def _of_the_database(found: Figures) -> Iterator[Metric]:
    yield _by(
        "moderation_pending", "Texts that wait to be scored, 100,000 at most.", "priority", found.pending
    )
    yield _by(
        "moderation_oldest_pending_age_seconds",
        "For how long the oldest has waited, by the database's clock; 0: none waits.",
        "priority",
        found.oldest,
    )
    yield GaugeMetricFamily(
        "moderation_failed", "Texts that could not be scored and wait for a person.", found.failed
    )
    yield _by(
        "moderation_queue_length",
        "What waits for a person, by reason; 10,000 altogether at most. Open audit items count as flagged.",
        "reason",
        {**found.queue, "suggested": found.suggested},
    )
    yield GaugeMetricFamily(
        "moderation_oldest_held_age_seconds",
        "For how long the oldest hidden comment has waited for a person; 0: none waits.",
        found.oldest_held,
    )
    yield GaugeMetricFamily(
        "moderation_actions_pending", "Hidings and showings still to be carried out.", found.actions
    )
    yield _by(
        "moderation_active_version_info",
        "The model version that is to score.",
        "version",
        {found.active_version: 1} if found.active_version else {},
    )
    yield GaugeMetricFamily(
        "moderation_model_worse",
        "1: decisions show the active version to be worse than the one before it.",
        int(found.is_model_worse),
    )
    yield GaugeMetricFamily(
        "moderation_workers_alive",
        "Processes that screen and said so lately.",
        len(found.alive(figures.alive_within())),
    )
    yield GaugeMetricFamily(
        "moderation_webhook_deliveries_waiting",
        "Events that webhooks have not acknowledged, 100,000 at most.",
        found.webhooks.waiting,
    )
    yield GaugeMetricFamily(
        "moderation_webhook_oldest_waiting_age_seconds",
        "For how long the oldest of those has waited; 0: none waits.",
        found.webhooks.oldest,
    )
    yield GaugeMetricFamily(
        "moderation_webhooks_failing",
        "Webhooks that are switched on and whose last delivery failed.",
        len(found.webhooks.failing),
    )
    yield _by(
        "moderation_compare_age_seconds",
        "Since all live texts of a model were last compared with the screened ones.",
        "model",
        found.compare_ages,
    )


def _by(name: str, documentation: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
