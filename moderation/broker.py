"""The site's Celery broker: whether there is one, at which address, and a connection that gives up soon.

Addresses, TLS, sentinels, failover and the prefix of keys are settings of Celery and kombu, as they spell
them; so they make the connection, and the Redis client is taken from it.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis
from celery import current_app
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.utils.url import as_url, url_to_parts
from redis.backoff import NoBackoff
from redis.retry import Retry

from moderation.conf import conf

logger = logging.getLogger("moderation.notifier")

REDIS = ("redis", "rediss", "sentinel")
"""Transports of kombu whose channels have a Redis client."""


class QueueUndeclared(Exception):
    """Celery may create no queue by itself, and the screening queue is not among those that are declared."""

    def __init__(self) -> None:
        super().__init__(
            f'The queue "{conf.QUEUE}" is not declared: add it to task_queues, or allow '
            "task_create_missing_queues"
        )


def is_eager() -> bool:
    """True where tasks run at once in the process that saves, so that no broker is needed."""
    return bool(current_app.conf.task_always_eager)


def is_configured() -> bool:
    """True where anybody said which broker; Celery tries RabbitMQ on this machine otherwise."""
    return bool(current_app.conf.broker_write_url)


def addresses(url: str = "") -> str:
    """Where wake-ups are sent, without user, password and parameters; several are parted by commas.

    url: of a Redis beside the broker.
    """
    urls = url or current_app.conf.broker_write_url or "amqp://localhost:5672//"
    each = urls.split(";") if isinstance(urls, str) else urls
    return ", ".join(_address(str(url)) for url in each)


def answers(seconds: float = 2.0) -> bool:
    """True where the broker takes a connection now, asked once; nobody's save waits for this.

    Raises what the transport raises where it can't be asked.
    """
    with connection(seconds) as asked:
        asked.ensure_connection(max_retries=_tries(asked) - 1, timeout=seconds * _tries(asked))
        return bool(asked.connected)


def connection(seconds: float, url: str | None = None) -> Connection:
    """Return a connection that tries each address of a failover list once, for `seconds` each.

    url: of another broker, with the same options.
    """
    made: Connection = current_app.connection_for_write(url, connect_timeout=seconds)
    made.transport_options = {
        **(made.transport_options or {}),
        "max_retries": _tries(made) - 1,
        "connect_retries_timeout": seconds * _tries(made),
        **_timeouts(made.transport_cls, seconds),
    }
    return made


def flag_url() -> str:
    """Where the notifier keeps its flag; empty: at the broker."""
    return "" if current_app.conf.broker_write_url == conf.REDIS_URL else conf.REDIS_URL


def flag_answers(seconds: float = 2.0) -> None:
    """Ask the Redis of `flag_url` whether it is there. Raises what its client raises where it is not."""
    if is_of_kombu(flag_url()):
        with connection(seconds, flag_url()) as asked:
            asked.ensure_connection(max_retries=_tries(asked) - 1, timeout=seconds * _tries(asked))
        return
    with redis_client(flag_url(), seconds) as client:
        client.ping()


def queue() -> Queue:
    """The screening queue as Celery knows it. Raises QueueUndeclared."""
    try:
        declared: Queue = current_app.amqp.queues[conf.QUEUE]
    except KeyError:
        raise QueueUndeclared from None
    return declared


def is_of_kombu(url: str) -> bool:
    """True where only kombu understands `url`: sentinels, and lists of addresses."""
    return url.startswith("sentinel://") or ";" in url


def own_client(made: Connection) -> redis.Redis | None:
    """The client of this connection, which knows all that Celery was told; None: it is to no Redis.

    Raises what the transport raises where it can't connect.
    """
    if str(made.transport_cls) not in REDIS:
        return None
    channel: Any = made.default_channel
    client: redis.Redis = channel.client
    return client


def redis_client(url: str, seconds: float) -> redis.Redis:
    """A client for a Redis beside the broker; `url` as redis-py writes it, or as Celery does."""
    return redis.Redis.from_url(
        _as_redis_py(url),
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )


def _tries(made: Connection) -> int:
    """How many addresses to try; a channel asks all of its sentinels by itself."""
    return 1 if str(made.transport_cls) == "sentinel" else max(1, len(made.alt))


def _timeouts(transport: Any, seconds: float) -> dict[str, Any]:
    if str(transport) in REDIS:
        return {
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "retry_on_timeout": False,
        }
    return {"read_timeout": seconds, "write_timeout": seconds}


def _address(url: str) -> str:
    if "://" not in url:  # a host alone
        return url.rpartition("@")[2]
    try:
        scheme, host, port, _, _, path, _ = url_to_parts(url)
    except ValueError:  # its message may quote all of it
        return "an address that can't be read"
    return str(as_url(scheme, host, port, path=path))


def _as_redis_py(url: str) -> str:
    """Celery's spelling of an option of TLS and of a socket, in redis-py's."""
    parts = urlsplit(url)
    options = []
    for name, value in parse_qsl(parts.query):
        if name == "ssl_cert_reqs":
            value = value.removeprefix("CERT_").lower()
        options.append(("db" if name == "virtual_host" else name, value))
    scheme = "unix" if parts.scheme in ("redis+socket", "socket") else parts.scheme
    return f"{scheme}://{parts.netloc}{parts.path}?{urlencode(options)}"
