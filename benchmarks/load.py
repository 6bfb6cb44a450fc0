"""Sends HTTP requests to a server on this machine and times the answers: all that it takes, or at a rate."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

PATIENCE = 60.0
LEAST = 5


@dataclass(frozen=True)
class Target:
    """An address that takes POST, and the bodies to send it in turn."""

    port: int
    path: str
    bodies: Sequence[bytes] = field(repr=False)
    headers: Sequence[str] = ()
    """Further header lines."""


@dataclass
class Answers:
    """What came back, in seconds by status. 0 stands for no answer at all."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    elapsed: float = 0.0

    def add(self, status: int, seconds: float) -> None:
        """Note one answer."""
        self.seconds.setdefault(status, []).append(seconds)

    @property
    def good(self) -> list[float]:
        """Seconds of the answers with status 200."""
        return self.seconds.get(200, [])

    @property
    def refused(self) -> list[float]:
        """Seconds of the answers that say to come again: 429 and 503."""
        return [*self.seconds.get(429, []), *self.seconds.get(503, [])]

    @property
    def others(self) -> int:
        """Answers of any other status, and requests without one."""
        return sum(len(times) for status, times in self.seconds.items() if status not in (200, 429, 503))


def as_fast_as_it_can(target: Target, *, connections: int, seconds: float) -> Answers:
    """Keep that many requests under way, each sent when the one before it is answered."""
    return asyncio.run(_closed(target, connections, seconds))


def at_rate(target: Target, *, rate: float, seconds: float, seed: int = 0) -> Answers:
    """Send that many a second at random moments (Poisson), whether or not the earlier ones are answered.

    An answer is timed from the moment at which its request was due. A slow server gets LEAST requests,
    however long that takes.
    """
    return asyncio.run(_open(target, rate, seconds, random.Random(seed)))


async def _closed(target: Target, connections: int, seconds: float) -> Answers:
    answers, pool = Answers(), _Pool(target)
    began = time.perf_counter()
    end = began + seconds

    async def client(first: int) -> None:
        number = first
        while (sent := time.perf_counter()) < end:
            status = await pool.post(number)
            answers.add(status, time.perf_counter() - sent)
            number += connections

    await asyncio.gather(*map(client, range(connections)))
    answers.elapsed = time.perf_counter() - began
    pool.close()
    return answers


async def _open(target: Target, rate: float, seconds: float, rng: random.Random) -> Answers:
    answers, pool = Answers(), _Pool(target)
    began = time.perf_counter()
    due, number, tasks = began, 0, []

    async def one(due: float, number: int) -> None:
        status = await pool.post(number)
        answers.add(status, time.perf_counter() - due)

    while (due := due + rng.expovariate(rate)) < began + seconds or number < LEAST:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due, number)))
        number += 1
    await asyncio.gather(*tasks)
    answers.elapsed = time.perf_counter() - began
    pool.close()
    return answers


class _Pool:
    """Connections that are kept open between requests."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        lines = [f"POST {target.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        self._head = "\r\n".join([*lines, *target.headers]).encode()

    async def post(self, number: int) -> int:
        """Send one body; the status of the answer, 0 for none."""
        body = self._target.bodies[number % len(self._target.bodies)]
        for is_reused in (True, False):  # a server may have closed what lay idle
            if is_reused and not self._idle:
                continue
            try:
                reader, writer = (
                    self._idle.pop()
                    if is_reused
                    else await asyncio.open_connection("127.0.0.1", self._target.port)
                )
                writer.write(self._head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                status, is_open = await asyncio.wait_for(_answer(reader), PATIENCE)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                continue
            if is_open:
                self._idle.append((reader, writer))
            else:
                writer.close()
            return status
        return 0

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read one answer to its end: its status, and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    is_open = headers.get(b"connection") != b"close"
    if b"content-length" in headers:
        await reader.readexactly(int(headers[b"content-length"]))
    else:
        await reader.read()
        is_open = False
    return status, is_open
