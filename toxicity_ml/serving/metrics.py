"""What the server counts for Prometheus: answers and the time they took. Never a text and never a key."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"
"""The endpoint of a request that matched none: what strangers ask for must not make series."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class ServerMetrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "toxicity_ml_http_answers",
            "Answers by endpoint and status",
            ["endpoint", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "toxicity_ml_http_seconds",
            "Seconds from request to answer",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.characters_in_flight = Gauge(
            "toxicity_ml_characters_in_flight",
            "Characters that are being scored or wait for it",
            registry=self._registry,
        )
        about = Gauge(
            "toxicity_ml_model_info",
            "1, with the model version as label",
            ["version"],
            registry=self._registry,
        )
        about.labels(version).set(1)

    def count(self, endpoint: str, status: int, seconds: float) -> None:
        """Count one answer. endpoint: a route of the server, or OTHER."""
        self._answers.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def page(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
