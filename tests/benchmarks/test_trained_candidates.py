"""Candidates that were fine-tuned for the gate: what a file keeps of them, and what the gate says of it."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.community.generator import comments
from benchmarks.community.trained_candidates import Array, Candidate, judged_apart
from moderation.retraining.gate import guards
from moderation.retraining.gate.verdict import BETTER, NOT_BETTER, Guard

RANDOM, FLAGGED = 80, 40
FRESH = comments(400, seed=3)
N_LABELS = len(FRESH[0].truth)


def scores(of_items: Array, is_right: bool) -> Array:
    """Scores of 0.1 and 0.9: as the truth is, or 0.9 of everything."""
    return np.asarray(np.where(of_items >= 0.5, 0.9, 0.1) if is_right else np.full(of_items.shape, 0.9))


def candidate(*, is_right: bool = True, probed: tuple[Guard, ...] = ()) -> Candidate:
    """One that was trained from a version that flags everything; a twelfth of the test side is harmful."""
    truth = np.zeros((RANDOM + FLAGGED, N_LABELS))
    truth[::12] = 1.0
    fresh = np.array([comment.truth for comment in FRESH], dtype=np.float64)
    return Candidate(
        scores(truth, is_right),
        scores(truth, is_right=False),
        scores(fresh, is_right),
        truth,
        3,
        [None] * FLAGGED + [0.05] * RANDOM,
        [False] * FLAGGED + [True] * RANDOM,
        [str(number) for number in range(len(truth))],
        np.full(N_LABELS, 0.5),
        probed,
    )


def test_a_file_gives_back_what_was_kept(tmp_path: Path) -> None:
    probed = guards.fixed(guards.IDENTITY, 0.1, 0.2, 0.02, items=200, higher_is_better=False)
    made = candidate(probed=(probed,))
    made.save(tmp_path / "one.npz")
    read = Candidate.read(tmp_path / "one.npz")
    assert list(read.guards) == [probed]
    assert (read.changed, list(read.probabilities)) == (3, list(made.probabilities))
    assert np.array_equal(read.of_fresh, made.of_fresh) and np.array_equal(read.truth, made.truth)


@pytest.mark.parametrize(("fails", "result"), [(False, BETTER), (True, NOT_BETTER)])
def test_a_guard_of_fixed_texts_stops_a_candidate_that_errs_less(
    tmp_path: Path, fails: bool, result: str
) -> None:
    share = 0.2 if fails else 0.1
    identity = guards.fixed(guards.IDENTITY, 0.1, share, 0.02, items=200, higher_is_better=False)
    candidate(is_right=False).save(tmp_path / "active.npz")
    candidate(probed=(identity,)).save(tmp_path / "new.npz")
    (line,) = judged_apart(tmp_path / "active.npz", [tmp_path / "new.npz"], FRESH)
    assert line["result"] == result
    assert line["guards"]["identity"] == {"old": 0.1, "new": share, "passed": not fails}
    assert line["guards"]["flag_rate"]["old"] == 1.0 and line["needs_force"]
    assert line["brier"]["new"] < line["brier"]["old"]
