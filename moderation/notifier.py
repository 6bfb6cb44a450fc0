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

from moderation import broker, metrics
from moderation.conf import conf

logger = logging.getLogger("moderation.notifier")

SOCKET_SECONDS = 0.1
QUIET_SECONDS = 10.0
FLAG_SECONDS = 10
"""Seconds for which a message that got lost keeps others from being sent, at most."""
EXPIRES_SECONDS = 24 * 3600
"""A message that nobody took in this time is dropped by the worker, by the worker's own clock: in less, every
message would look old to one whose clock is ahead. A day's worth of them waiting, one in `FLAG_SECONDS`, is
taken and found needless in seconds."""


TASK = "moderation.tasks.drain"
"""The Celery task of a wake-up. Sent by its name: the task's module imports this one."""


class Notifier:
    """Sends the wake-ups of one process; survives a fork."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # an eager task acknowledges while this still sends
        self._pid = os.getpid()
        self._quiet_until = 0.0
        self._connections: dict[str, Connection] = {}
        """By address; "" is the broker's."""
        self._flags: redis.Redis | None = None
        self._flags_of: str | None = None
        """MODERATION["REDIS_URL"] when `_flags` was found; None: it is still to be looked for."""
        self._flag_url = ""
        self._producer: Producer | None = None
        self._asked = ""
        """The address that was asked last, as in `_connections`; so is `_flag_url`."""
        self._has_told = False

    def notify(self) -> bool:
        """Tell a worker that something is pending. Never raises; True when a message was sent."""
        if not (conf.BROKER or broker.is_eager()):
            return False
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
            metrics.count_notifier_failure()
            self._tell(error)
            return False
        finally:
            self._lock.release()

    def acknowledge(self) -> None:
        """Lower the flag: a worker is on its way to look, and the next save sends a new message."""
        if not conf.BROKER or broker.is_eager():
            return
        try:
            with self._lock:
                self._forget_parent()
                client = self._flag_client()
                if client is not None:
                    client.delete(_flag())
        except Exception as error:
            self._hang_up()
            logger.info("The notifier's flag could not be lowered (%s).", type(error).__name__)

    def _tell(self, error: Exception) -> None:
        """Say it in the log; once, where it stays so until somebody changes the site's settings."""
        name = type(error).__name__
        if isinstance(error, broker.QueueUndeclared):
            if not self._has_told:
                logger.error("%s. Until then the sweep will do.", error, extra={"code": "queue-undeclared"})
            self._has_told = True
            return
        extra = {"code": "broker-unreachable"}
        where = broker.addresses(self._asked)
        if self._asked or broker.is_configured():
            logger.warning(
                "The broker can't be reached at %s (%s); the sweep will do.", where, name, extra=extra
            )
        elif not self._has_told:
            self._has_told = True
            logger.warning(
                "No broker is configured here, and %s, Celery's default, can't be reached (%s); the sweep "
                "will do. Set CELERY_BROKER_URL and import the Celery app in the site's __init__.py, or say "
                'MODERATION["BROKER"] = False.',
                where,
                name,
                extra=extra,
            )

    def _raise_flag(self) -> bool:
        """False while another message is under way."""
        if broker.is_eager():
            return True
        client = self._flag_client()
        return client is None or bool(client.set(_flag(), "1", nx=True, ex=FLAG_SECONDS))

    def _flag_client(self) -> redis.Redis | None:
        """None: there is no Redis, and each call sends a message."""
        if self._flags_of != conf.REDIS_URL:  # Celery's settings are slow to ask, and saves wait for this
            url = self._flag_url = self._asked = broker.flag_url()
            if not url or broker.is_of_kombu(url):
                self._flags = broker.own_client(self._connected(url))
            else:
                self._flags = broker.redis_client(url, SOCKET_SECONDS)
            self._flags_of = conf.REDIS_URL
        self._asked = self._flag_url
        return self._flags

    def _connected(self, url: str) -> Connection:
        if url not in self._connections:
            self._connections[url] = broker.connection(SOCKET_SECONDS, url or None)
        return self._connections[url]

    def _send(self) -> None:
        if broker.is_eager():
            _task().apply_async()
            return
        self._asked = ""
        declare = None
        if self._producer is None:
            declare = [broker.queue()]
            self._producer = Producer(self._connected("").default_channel)  # type: ignore[no-untyped-call]
        headers, properties, body = _message(TASK)
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
            self._flags = self._flags_of = self._producer = None
            self._connections = {}

    def _hang_up(self) -> None:
        connections, self._connections = self._connections, {}
        self._flags = self._flags_of = self._producer = None
        for connection in connections.values():
            try:
                connection.collect(SOCKET_SECONDS)  # type: ignore[no-untyped-call]
            except Exception as error:
                logger.debug("A broken broker connection could not be closed (%s).", type(error).__name__)


def _task() -> Any:
    """The task itself, which an eager site runs in this process."""
    if TASK not in current_app.tasks:
        current_app.loader.import_default_modules()
    return current_app.tasks[TASK]


def _flag() -> str:
    """Sites that share a Redis differ in `QUEUE`: none keeps another's worker asleep."""
    return f"moderation:doorbell:{conf.QUEUE}"


def _message(task: str) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Celery's message for `task`: headers, properties, body. It is the same each time but for id and time.

    `apply_async` would make and route it anew, which costs as much as all the rest of a wake-up.
    """
    if task not in _messages:
        _messages[task] = current_app.amqp.as_task_v2("", task, ignore_result=True)
    template = _messages[task]
    key = str(uuid.uuid4())
    expires = (datetime.now(UTC) + timedelta(seconds=EXPIRES_SECONDS)).isoformat()
    headers = {**template.headers, "id": key, "root_id": key, "expires": expires}
    return headers, {**template.properties, "correlation_id": key}, template.body


_messages: dict[str, Any] = {}


process_notifier = Notifier()


def notify() -> None:
    """Wake a worker up, by this process's notifier; made for `transaction.on_commit(notify, robust=True)`."""
    process_notifier.notify()
