"""Wakes a worker up after a save, without ever making the save wait for the broker.

The pending row is the queue; a message that gets lost costs nothing but the time until the next sweep.
Celery's own `.delay()` would cost 0.6 s with a refused broker and more than 25 s with a silent one, so this
uses a connection of its own: socket timeouts of 0.1 s, one try, and 10 s of silence after a failure.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from celery import current_app
from kombu.connection import Connection
from kombu.messaging import Producer
from redis.backoff import NoBackoff
from redis.retry import Retry

from moderation import metrics
from moderation.conf import conf

logger = logging.getLogger("moderation.doorbell")

SOCKET_SECONDS = 0.1
QUIET_SECONDS = 10.0
FLAG_SECONDS = 10
"""A message that got lost keeps others from being sent for so long, at most."""
EXPIRES_SECONDS = 24 * 3600
"""A message that nobody took in this time is dropped by the worker, by the worker's own clock: in less, every
message would look old to one whose clock is ahead. A day's worth of them waiting, one in `FLAG_SECONDS`, is
taken and found needless in seconds."""


def broker_answers(seconds: float = 2.0) -> bool:
    """Whether the broker takes a connection now, asked once; nobody's save waits for this.

    Raises what the transport raises where it can't be asked.
    """
    with _connection(seconds) as connection:
        connection.ensure_connection(max_retries=1, timeout=seconds)
        return bool(connection.connected)


class Doorbell:
    """One per process; survives a fork."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # an eager task answers while the bell still rings
        self._pid = os.getpid()
        self._quiet_until = 0.0
        self._redis: redis.Redis | None = None
        self._redis_url = ""
        self._producer: Producer | None = None

    def ring(self) -> bool:
        """Tell a worker that something is pending. Never raises; True when a message was sent."""
        if time.monotonic() < self._quiet_until or not self._lock.acquire(timeout=SOCKET_SECONDS):
            return False
        try:
            self._forget_parent()
            if time.monotonic() < self._quiet_until or not self._raise_flag():
                return False
            self._send()
            return True
        except Exception as error:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            self._hang_up()
            metrics.count_doorbell_failure()
            extra = {"code": "broker-unreachable"}
            name = type(error).__name__
            logger.warning("The broker can't be reached (%s); the sweep will do.", name, extra=extra)
            return False
        finally:
            self._lock.release()

    def answer(self) -> None:
        """Say that a worker is on its way to look, so that the next save sends a new message."""
        try:
            with self._lock:
                self._forget_parent()
                client = self._flag_client()
                if client is not None:
                    client.delete(_flag())
        except Exception as error:
            logger.info("The doorbell's flag could not be lowered (%s).", type(error).__name__)

    def _raise_flag(self) -> bool:
        """False while another message is under way."""
        client = self._flag_client()
        return client is None or bool(client.set(_flag(), "1", nx=True, ex=FLAG_SECONDS))

    def _flag_client(self) -> redis.Redis | None:
        url = conf.REDIS_URL or str(current_app.conf.broker_url or "")
        if not url.startswith(("redis://", "rediss://", "unix://")):
            return None
        if self._redis is None or url != self._redis_url:
            self._redis_url = url
            self._redis = redis.Redis.from_url(
                url,
                socket_timeout=SOCKET_SECONDS,
                socket_connect_timeout=SOCKET_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
        return self._redis

    def _send(self) -> None:
        from moderation.tasks import drain

        if current_app.conf.task_always_eager:
            drain.apply_async()
            return
        declare = None
        if self._producer is None:
            self._producer = Producer(_connection(SOCKET_SECONDS).default_channel)  # type: ignore[no-untyped-call]
            declare = [current_app.amqp.queues[conf.QUEUE]]
        headers, properties, body = _message(drain.name)
        self._producer.publish(  # type: ignore[no-untyped-call]
            body,
            exchange="",
            routing_key=conf.QUEUE,
            declare=declare,
            headers=headers,
            serializer=current_app.conf.task_serializer,
            retry=False,
            **properties,
        )

    def _forget_parent(self) -> None:
        """After a fork the sockets are the parent's: leave them alone and open new ones."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._redis = self._producer = None

    def _hang_up(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.connection.collect(SOCKET_SECONDS)
            except Exception as error:
                logger.debug("A broken broker connection could not be closed (%s).", type(error).__name__)


def _flag() -> str:
    """Sites that share a Redis differ in `QUEUE`: none keeps another's worker asleep."""
    return f"moderation:doorbell:{conf.QUEUE}"


def _message(task: str) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Celery's message for `task`: headers, properties, body. It is the same each time but for id and time.

    `apply_async` would make and route it anew, which costs as much as all the rest of a ring.
    """
    if task not in _messages:
        _messages[task] = current_app.amqp.as_task_v2("", task, ignore_result=True)
    known = _messages[task]
    key = str(uuid.uuid4())
    expires = (datetime.now(UTC) + timedelta(seconds=EXPIRES_SECONDS)).isoformat()
    headers = {**known.headers, "id": key, "root_id": key, "expires": expires}
    return headers, {**known.properties, "correlation_id": key}, known.body


_messages: dict[str, Any] = {}


def _connection(seconds: float) -> Connection:
    """A broker connection that gives up after so long, whichever transport the site uses."""
    connection: Connection = current_app.connection_for_write(connect_timeout=seconds)
    connection.transport_options = {
        **(connection.transport_options or {}),
        "max_retries": 0,
        "connect_retries_timeout": seconds,
        **_timeouts(connection.transport_cls, seconds),
    }
    return connection


def _timeouts(transport: Any, seconds: float) -> dict[str, Any]:
    if str(transport).startswith(("redis", "rediss", "sentinel")):
        return {
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "retry_on_timeout": False,
        }
    return {"read_timeout": seconds, "write_timeout": seconds}


doorbell = Doorbell()


def ring() -> None:
    """Ring this process's doorbell; made for `transaction.on_commit(ring, robust=True)`."""
    doorbell.ring()
