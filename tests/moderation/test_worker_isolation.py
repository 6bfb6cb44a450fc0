"""A quarantined text is scored while nothing else is, and nobody waits for good."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from moderation.worker import isolation
from moderation.worker.isolation import exclusive, shared


def test_an_exclusive_holder_waits_for_the_others_and_keeps_new_ones_waiting() -> None:
    order: list[str] = []
    first_is_in, first_may_end = threading.Event(), threading.Event()

    def first() -> None:
        with shared():
            first_is_in.set()
            first_may_end.wait()
            order.append("first")

    def quarantined() -> None:
        with exclusive():
            order.append("exclusive")

    def later() -> None:
        with shared():
            order.append("later")

    threads = [threading.Thread(target=work, daemon=True) for work in (first, quarantined, later)]
    threads[0].start()
    first_is_in.wait()
    threads[1].start()
    while not isolation._is_exclusive:
        time.sleep(0.001)
    threads[2].start()
    threads[2].join(0.05)
    assert order == []
    first_may_end.set()
    for thread in threads:
        thread.join(60)
    assert order == ["first", "exclusive", "later"]


def test_those_who_share_do_not_wait_for_each_other() -> None:
    with shared(), shared():
        pass


def test_an_error_of_the_exclusive_holder_lets_the_others_go_on() -> None:
    try:
        with exclusive():
            raise RuntimeError
    except RuntimeError:
        pass
    with shared():
        pass
    with exclusive():
        pass


def test_exception_that_comes_while_one_waits_for_the_others_locks_nobody_out() -> None:
    """Such as Celery's soft time limit, raised in the middle of the wait."""
    others_are_in, others_may_end = threading.Event(), threading.Event()

    def others() -> None:
        with shared():
            others_are_in.set()
            others_may_end.wait(60)

    thread = threading.Thread(target=others)
    thread.start()
    assert others_are_in.wait(60)
    wait_for = isolation._changed.wait_for

    def interrupted(predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        if not predicate():
            raise SoftTimeLimitExceeded
        return wait_for(predicate, timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(isolation._changed, "wait_for", interrupted)
        with pytest.raises(SoftTimeLimitExceeded), exclusive():
            raise AssertionError("somebody else is at work")
    others_may_end.set()
    thread.join(60)
    is_through = threading.Event()

    def later() -> None:
        with shared():
            is_through.set()

    threading.Thread(target=later, daemon=True).start()
    assert is_through.wait(60)
