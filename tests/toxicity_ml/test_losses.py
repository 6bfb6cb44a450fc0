"""The loss against computations made another way, gradients included."""

import math

import numpy as np
import pytest
import torch

from toxicity_ml.losses import masked_bce, positive_weights, prevalence

NAN = math.nan


def by_hand(logits: np.ndarray, targets: np.ndarray, pos: np.ndarray, rows: np.ndarray) -> float:
    total = weight = 0.0
    for row, (xs, ys) in enumerate(zip(logits, targets, strict=True)):
        for x, y, w in zip(xs, ys, pos, strict=True):
            if not math.isnan(y):
                log_p, log_q = -math.log1p(math.exp(-x)), -math.log1p(math.exp(x))
                total -= rows[row] * (w * y * log_p + (1 - y) * log_q)
                weight += rows[row]
    return total / weight


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    logits = random.normal(0, 3, (7, 4))
    targets = random.random((7, 4)).round()
    targets[0, 1] = targets[5] = NAN
    targets[2, 2] = 0.3
    return logits, targets, np.array([1.0, 4.0, 2.0, 1.0]), random.random(7) + 0.1


def test_loss_equals_the_sum_written_out(case: tuple[np.ndarray, ...]) -> None:
    logits, targets, pos, rows = case
    found = masked_bce(
        torch.tensor(logits),
        torch.tensor(targets),
        pos_weight=torch.tensor(pos),
        row_weight=torch.tensor(rows),
    )
    assert found.item() == pytest.approx(by_hand(logits, targets, pos, rows), rel=1e-5)


def test_gradient_equals_finite_differences_and_is_zero_where_masked(case: tuple[np.ndarray, ...]) -> None:
    logits, targets, pos, rows = case
    tensor = torch.tensor(logits, requires_grad=True)
    loss = masked_bce(
        tensor, torch.tensor(targets), pos_weight=torch.tensor(pos), row_weight=torch.tensor(rows)
    )
    loss.backward()
    assert tensor.grad is not None
    gradient = tensor.grad.numpy()
    assert (gradient[np.isnan(targets)] == 0).all()
    for place in [(0, 0), (2, 2), (6, 3)]:
        step = np.zeros_like(logits)
        step[place] = 1e-4
        slope = (
            by_hand(logits + step, targets, pos, rows) - by_hand(logits - step, targets, pos, rows)
        ) / 2e-4
        assert gradient[place] == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = masked_bce(logits, torch.tensor([[0.0, 1.0]]))
    loss.backward()
    assert torch.isfinite(loss) and logits.grad is not None and torch.isfinite(logits.grad).all()


def test_a_batch_that_nobody_looked_at_costs_nothing() -> None:
    logits = torch.zeros((2, 3), requires_grad=True)
    loss = masked_bce(logits, torch.full((2, 3), NAN))
    loss.backward()
    assert loss.item() == 0 and logits.grad is not None and (logits.grad == 0).all()


def test_prevalence_leaves_masked_labels_out_and_weights_are_capped() -> None:
    targets = np.array([[1, NAN], [0, 0], [0, 1.0], [0, NAN]])
    share = prevalence(targets, np.ones(4))
    assert share == pytest.approx([1.5 / 5, 1.5 / 3])
    assert positive_weights(np.array([0.5, 0.1, 0.001])) == pytest.approx([1.0, 3.0, 5.0])
