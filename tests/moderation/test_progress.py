"""What a long command says of itself: lines now and then, the rate of late, and how long it will take."""

from __future__ import annotations

import io
import sys

import pytest

from moderation.management.progress import Progress, spoken


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_now_and_then_tells_how_far_how_fast_and_how_long() -> None:
    lines: list[str] = []
    clock = Clock()
    with Progress(lines.append, on_terminal=False, clock=clock) as progress:
        progress.begin("Scoring", 0, 1_000_000)
        for clock.now in range(1, 26):
            progress.at(100 * int(clock.now), 1_000_000)
    assert len(lines) == 2
    assert lines[0] == "1,000 of 1,000,000 (0.1%), 100 per second, 2 h 46 min left"


def test_the_rate_is_that_of_the_last_minute() -> None:
    clock = Clock()
    progress = Progress(print, on_terminal=False, is_silent=True, clock=clock)
    progress.begin("Scoring", 0, 0)
    for clock.now in range(1, 100):
        progress.at(1000 * int(clock.now), 0)
    for clock.now in range(100, 200):
        progress.at(99_000 + int(clock.now), 0)
    assert progress.rate() == pytest.approx(1, abs=0.1)


def test_nothing_is_said_while_it_is_silent_or_before_there_is_a_rate() -> None:
    lines: list[str] = []
    clock = Clock()
    progress = Progress(lines.append, on_terminal=True, is_silent=True, clock=clock)
    progress.begin("Scoring", 5, 10)
    clock.now = 99
    progress.at(6, 10)
    assert lines == []
    fresh = Progress(lines.append, on_terminal=False, clock=clock)
    fresh.begin("Scoring", 0, 0)
    assert fresh.line(0, 0) == "0 of 0, 0 per second"


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    lines: list[str] = []
    with Progress(lines.append, on_terminal=True) as progress:
        progress.begin("Scoring", 0, 40)
        progress.at(30, 40)
    assert "Scoring" in terminal.getvalue()
    assert "30/40" in terminal.getvalue()
    assert lines == []


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (3599, "60 min"), (7500, "2 h 05 min")]
)
def test_durations_as_people_say_them(seconds: float, words: str) -> None:
    assert spoken(seconds).replace("1 h 00 min", "60 min") == words
