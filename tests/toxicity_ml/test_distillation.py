"""Soft targets and doubtful labels."""

import math

import numpy as np
import pytest

from tests.toxicity_ml.tiny_base import rows
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.training.distillation import out_of_fold, softened

INSULT = JIGSAW_LABELS.index("insult")


def test_no_row_is_scored_by_a_model_that_saw_its_label() -> None:
    data = rows(200, seed=1)
    texts, targets = list(data["text"]), np.asarray(data["labels"], dtype=float)
    honest = out_of_fold(texts, targets, seed=3)
    wrong = targets.copy()
    wrong[7, INSULT] = 1 - wrong[7, INSULT]
    assert out_of_fold(texts, wrong, seed=3)[7] == pytest.approx(honest[7], nan_ok=True)
    truth = targets[:, INSULT] >= 0.5
    assert honest[truth, INSULT].mean() > honest[~truth, INSULT].mean() + 0.4


def test_a_label_that_cannot_be_fitted_has_no_teacher() -> None:
    data = rows(60, seed=2)
    targets = np.asarray(data["labels"], dtype=float)
    targets[:, INSULT] = 0.0
    targets[0, INSULT] = 1.0  # in one fold alone: the fit without that fold sees no positive
    found = out_of_fold(list(data["text"]), targets)
    assert np.isnan(found[:, INSULT]).all()
    assert not np.isnan(found[:, JIGSAW_LABELS.index("toxic")]).any()


def test_targets_are_softened_by_the_teachers_that_speak() -> None:
    targets = np.array([[1.0, 0.0, math.nan, 1.0]])
    one, two = np.array([[0.5, 0.2, 0.5, math.nan]]), np.array([[0.7, math.nan, 0.5, math.nan]])
    soft = softened(targets, [one, two], 0.5)
    assert soft[0, :2].tolist() == pytest.approx([0.8, 0.1])
    assert math.isnan(soft[0, 2]) and soft[0, 3] == 1.0
