"""A callable of the site that hangs stops neither sweeps nor verdicts, nor other hidings for good."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from moderation.models import ModelVersion, Screening
from moderation.monitoring import figures
from moderation.visibility import action_thread, pending_actions
from moderation.worker.sweep import sweep
from tests.forum import rules
from tests.forum.models import Letter, Post
from tests.moderation.conftest import load_by_words, screen

pytestmark = [pytest.mark.regression("H1", "L3"), pytest.mark.django_db(transaction=True)]

HELD = "I will kill you"


class _Site:
    """The site's callable: it hangs at letters that refuse, until it is freed."""

    def __init__(self) -> None:
        self.hanging = 0
        self.freed = threading.Event()
        self._hide = rules.withdraw

    def withdraw(self, letter: Letter) -> bool:
        if letter.refuses:
            self.hanging += 1
            assert self.freed.wait(60)
            letter.refuses = False
        return self._hide(letter)


@pytest.fixture
def site(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Site]:
    asked = _Site()
    monkeypatch.setattr(rules, "withdraw", asked.withdraw)
    with action_thread.running(60):
        yield asked
        asked.freed.set()
    for thread in threading.enumerate():  # those that were left alone, too
        if thread.name == action_thread.NAME:
            thread.join(60)


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_withdrawn(letter: Letter) -> bool:
    return Letter.objects.filter(pk=letter.pk, is_withdrawn=True).exists()


def test_verdicts_and_sweeps_go_on_while_it_hangs(site: _Site) -> None:
    letter = Letter.objects.create(text=HELD, refuses=True)
    post = Post.objects.create(body=HELD)
    assert screen().verdicts == {"held": 2}
    wait_for(lambda: site.hanging == 1)
    assert not Post.objects.filter(pk=post.pk, is_visible=True).exists()
    later = Post.objects.create(body=HELD)
    assert sweep(load=load_by_words).drained.verdicts == {"held": 1}
    assert not Post.objects.filter(pk=later.pk, is_visible=True).exists()
    site.freed.set()
    wait_for(lambda: is_withdrawn(letter))
    assert site.hanging == 1


def test_another_thread_goes_on_with_the_others(site: _Site, monkeypatch: pytest.MonkeyPatch) -> None:
    Letter.objects.create(text=HELD, refuses=True)
    screen()
    wait_for(lambda: site.hanging == 1)
    monkeypatch.setattr(pending_actions, "CLAIM_SECONDS", 0)
    later = Letter.objects.create(text=HELD)
    screen()
    wait_for(lambda: is_withdrawn(later))


def test_threads_that_hang_are_so_many_at_most(site: _Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_actions, "CLAIM_SECONDS", 0)
    monkeypatch.setattr(action_thread, "LEFT_AT_MOST", 2)
    for number in range(5):
        Letter.objects.create(text=HELD, refuses=True)
        screen()
        wait_for(lambda number=number: site.hanging == min(number + 1, 3))  # type: ignore[misc]
    assert Screening.objects.filter(verdict="held", action_pending=True).count() == 5


def test_health_says_that_something_hangs(site: _Site) -> None:
    Letter.objects.create(text=HELD, refuses=True)
    screen()
    wait_for(lambda: site.hanging == 1)
    assert figures.hanging_actions() == 0
    Screening.objects.update(action_until=Now() - timedelta(seconds=1))
    assert figures.hanging_actions() == 1


def test_what_is_in_hand_at_the_end_is_waited_for(version: ModelVersion) -> None:
    letter = Letter.objects.create(text=HELD)
    with action_thread.running(60):
        screen()
        wait_for(lambda: is_withdrawn(letter))
    assert not Screening.objects.filter(action_pending=True).exists()
