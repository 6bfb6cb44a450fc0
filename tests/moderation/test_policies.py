"""Scores to verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.policies import Thresholds, combine, judge

FLAG = {"toxic": 0.5, "threat": 0.2}


@pytest.mark.parametrize(
    ("scores", "verdict", "labels", "severity"),
    [
        ({"toxic": 0.49, "threat": 0.1}, "clear", (), -0.01),
        ({"toxic": 0.5, "threat": 0.1}, "flagged", ("toxic",), 0.0),
        ({"toxic": 0.1, "threat": 0.8}, "flagged", ("threat",), 0.6),
        ({"toxic": 0.9, "threat": 0.8}, "held", ("toxic", "threat"), 0.6),
        ({}, "clear", (), 0.0),
        ({"unheard of": 1.0}, "clear", (), 0.0),
    ],
)
def test_judge(scores: dict[str, float], verdict: str, labels: tuple[str, ...], severity: float) -> None:
    judgement = judge(scores, Thresholds(FLAG, {"toxic": 0.9}))
    assert (judgement.verdict, judgement.labels) == (verdict, labels)
    assert judgement.severity == pytest.approx(severity)


@given(st.dictionaries(st.sampled_from(["toxic", "threat", "other"]), st.floats(0, 1)))
def test_a_held_text_is_always_over_a_flag_threshold(scores: dict[str, float]) -> None:
    judgement = judge(scores, combine(FLAG, 0.1, {}, {}))
    assert -1 <= judgement.severity <= 1
    assert (judgement.verdict == "clear") == (not judgement.labels)
    if judgement.labels:
        assert judgement.severity >= 0


def test_stored_policy_goes_before_the_setting_before_the_version() -> None:
    setting = {"toxic": {"flag": 0.6, "hold": 0.7}, "threat": {"hold": None}}
    stored = {"toxic": {"flag": 0.8}}
    assert combine(FLAG, 0.9, setting, stored) == Thresholds(
        {"toxic": 0.8, "threat": 0.2},
        {"toxic": 0.8},  # never held below the flag threshold
    )


def test_a_label_can_be_left_out_and_holding_be_turned_off() -> None:
    assert combine(FLAG, None, {"threat": {"flag": None}}, {}) == Thresholds({"toxic": 0.5}, {})
