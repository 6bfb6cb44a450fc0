"""Posts one body to one webhook over HTTPS: no redirect, no proxy, ten seconds at most.

Of the answer the status and the headers are read, and the status alone is looked at.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from moderation.webhooks import addresses
from moderation.webhooks.addresses import Refused, Target

CONNECT_SECONDS = 5.0
"""For the name and the connection."""
TOTAL_SECONDS = 10.0
"""For one try altogether."""


class SendFailed(Exception):
    """The receiver did not acknowledge; `code` says in our words how."""

    def __init__(self, code: str) -> None:
        self.code = code[:64]
        super().__init__(self.code)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a body once. Raises SendFailed unless the receiver answers with 2xx in time."""
    end = time.monotonic() + TOTAL_SECONDS
    try:
        target = addresses.parse(url)
        connection = _Connection(target, addresses.addresses_of(target, CONNECT_SECONDS), end)
        status = _status_of(connection, target, body, headers)
    except Refused as error:
        raise SendFailed(error.code) from None
    except SendFailed:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SendFailed(_code(error, is_late=time.monotonic() >= end)) from None
    if 300 <= status < 400:
        raise SendFailed(f"redirect:{status}")
    if not 200 <= status < 300:
        raise SendFailed(f"http:{status}")


def tls_context() -> ssl.SSLContext:
    """What certificates are checked by: the system's authorities."""
    return ssl.create_default_context()


class _Connection(http.client.HTTPConnection):
    """Goes to addresses that were checked, and speaks to them under the name of the URL."""

    def __init__(self, target: Target, checked: list[str], end: float) -> None:
        super().__init__(target.host, target.port)
        self.default_port = 443 if target.is_tls else 80  # which the header `Host` leaves out
        self._target, self._checked, self._end = target, checked, end
        self.guard: socket.socket | None = None
        """A second handle of the connection, by which another thread can end it."""

    def connect(self) -> None:
        """Connect to the first address that answers, and check the certificate for the URL's name."""
        raw = self._reach()
        self.guard = raw.dup()
        with _ended_at(self.guard, self._end):
            self.sock = (
                tls_context().wrap_socket(raw, server_hostname=self._target.host)
                if self._target.is_tls
                else raw
            )

    def _reach(self) -> socket.socket:
        until = min(time.monotonic() + CONNECT_SECONDS, self._end)
        last: OSError = TimeoutError()
        for address in self._checked:
            if (left := until - time.monotonic()) <= 0:
                break
            try:
                raw = socket.create_connection((address, self._target.port), timeout=left)
            except OSError as error:
                last = error
                continue
            raw.settimeout(TOTAL_SECONDS)
            return raw
        raise last

    def close(self) -> None:
        super().close()
        if self.guard is not None:
            self.guard.close()


def _status_of(connection: _Connection, target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    try:
        connection.connect()
        assert connection.guard is not None  # noqa: S101 - `connect` has set it, or raised
        with _ended_at(connection.guard, connection._end):
            connection.request("POST", target.path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status
    finally:
        connection.close()


@contextmanager
def _ended_at(connection: socket.socket, end: float) -> Iterator[None]:
    """Cut the connection at a moment: time-outs of sockets begin anew with each byte that trickles in."""

    def cut() -> None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it ended by itself

    timer = threading.Timer(max(0.0, end - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _code(error: Exception, *, is_late: bool) -> str:
    """Our code for what went wrong on the way; its message may quote what the receiver sent."""
    if is_late or isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return f"tls:{type(error).__name__}"
    if isinstance(error, http.client.HTTPException | ValueError):
        return f"answer:{type(error).__name__}"
    return f"connection:{type(error).__name__}"
