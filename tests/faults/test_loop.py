"""A site without Celery: `screen_pending --loop`, in a process of its own."""

from __future__ import annotations

import time

import pytest

from moderation.models import Screening, WorkerHeartbeat
from moderation.monitoring import figures
from tests.faults.workers import Workers
from tests.forum.models import Post

RARE = {"SWEEP_SECONDS": 600}
"""No sweep but the first one happens while a test waits."""


@pytest.mark.regression("D8")
def test_the_loop_screens_what_is_saved_long_before_its_next_sweep_and_is_forgotten_when_it_ends(
    workers: Workers,
) -> None:
    loop = workers.start_loop(moderation=RARE)
    workers.wait_for_line("still pending: 0")
    waited = []
    for number in range(3):
        Post.objects.create(body=f"{number} You are a fucking idiot, shut up.")
        start = time.monotonic()
        workers.wait_until_screened(number + 1)
        waited.append(time.monotonic() - start)
    assert Screening.objects.exclude(verdict="").count() == 3
    assert max(waited) < 60
    assert len(figures.read().alive(120)) == 1
    assert workers.stop(loop) == 0
    assert not WorkerHeartbeat.objects.exists()
    assert not Screening.objects.filter(lease_token__isnull=False).exists()
