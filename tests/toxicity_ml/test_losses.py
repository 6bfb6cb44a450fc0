"""Each loss against a computation made another way, gradients included, and at the edges of float."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from toxicity_ml.training.losses import cross_entropy, focal_bce, focal_cross_entropy, make_loss, masked_bce

NAN = math.nan
N, K = 7, 4


def by_hand(
    logits: np.ndarray,
    targets: np.ndarray,
    pos: np.ndarray,
    rows: np.ndarray,
    gamma: float = 0.0,
    alpha: np.ndarray | None = None,
) -> float:
    """Focal binary cross-entropy, one cell at a time."""
    total = weight = 0.0
    for i in range(len(logits)):
        for j in range(logits.shape[1]):
            t = targets[i, j]
            if math.isnan(t):
                continue
            p = 1 / (1 + math.exp(-logits[i, j]))
            cost = -(pos[j] * t * math.log(p) + (1 - t) * math.log(1 - p)) * abs(t - p) ** gamma
            if alpha is not None:
                cost *= alpha[j] * t + (1 - alpha[j]) * (1 - t)
            total += rows[i] * cost
            weight += rows[i]
    return total / weight


def softmax_by_hand(
    logits: np.ndarray,
    chosen: list[int],
    weights: np.ndarray,
    rows: np.ndarray,
    gamma: float,
    alpha: np.ndarray,
) -> float:
    """Focal softmax cross-entropy for hard targets; -1 is a masked row."""
    total = weight = 0.0
    for i, y in enumerate(chosen):
        if y >= 0:
            p = math.exp(logits[i, y]) / sum(math.exp(x) for x in logits[i])
            total -= rows[i] * weights[y] * alpha[y] * (1 - p) ** gamma * math.log(p)
            weight += rows[i] * weights[y]
    return total / weight


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    logits = random.normal(0, 3, (N, K))
    targets = random.random((N, K)).round()
    targets[0, 1] = targets[5] = NAN
    targets[2, 2] = 0.3
    return logits, targets, np.array([1.0, 4.0, 2.0, 1.0]), random.random(N) + 0.1


CHOSEN = [0, 3, 1, -1, 2, 2, 0]


def one_hot(chosen: list[int], n_classes: int = K) -> Tensor:
    """float64 (n, n_classes); a row of NaN for -1."""
    targets = torch.eye(n_classes, dtype=torch.float64)[[max(y, 0) for y in chosen]]
    targets[[y < 0 for y in chosen]] = NAN
    return targets


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("alpha", [None, [0.25, 0.5, 0.75, 0.9]])
def test_binary_losses_equal_the_sum_written_out(
    case: tuple[np.ndarray, ...], gamma: float, alpha: list[float] | None
) -> None:
    logits, targets, pos, rows = case
    found = focal_bce(
        torch.tensor(logits),
        torch.tensor(targets),
        gamma=gamma,
        alpha=alpha,
        pos_weight=torch.tensor(pos),
        row_weight=torch.tensor(rows),
    )
    expected = by_hand(logits, targets, pos, rows, gamma, None if alpha is None else np.array(alpha))
    assert found.dtype == torch.float64 and found.item() == pytest.approx(expected, rel=1e-12)


def test_plain_bce_equals_the_sum_written_out(case: tuple[np.ndarray, ...]) -> None:
    logits, targets, pos, rows = case
    found = masked_bce(
        torch.tensor(logits),
        torch.tensor(targets),
        pos_weight=torch.tensor(pos),
        row_weight=torch.tensor(rows),
    )
    assert found.item() == pytest.approx(by_hand(logits, targets, pos, rows), rel=1e-12)


def test_one_alpha_weighs_every_label_alike(case: tuple[np.ndarray, ...]) -> None:
    logits, targets, _, _ = case
    one = focal_bce(torch.tensor(logits), torch.tensor(targets), alpha=0.25)
    assert one.item() == focal_bce(torch.tensor(logits), torch.tensor(targets), alpha=[0.25] * K).item()


def test_focal_loss_of_a_soft_target_is_least_where_it_is_met() -> None:
    logits = torch.logit(torch.tensor([[0.1], [0.3], [0.5]], dtype=torch.float64))
    costs = [focal_bce(row.unsqueeze(0), torch.tensor([[0.3]])).item() for row in logits]
    assert costs[1] < 1e-12 and min(costs[0], costs[2]) > 1e-3


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, [1.0, 4.0, 0.5, 2.0]])
def test_cross_entropy_equals_torch_on_hard_targets(
    case: tuple[np.ndarray, ...], smoothing: float, weights: list[float] | None
) -> None:
    logits = torch.tensor(case[0])
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    kept = [y >= 0 for y in CHOSEN]
    expected = functional.cross_entropy(
        logits[kept], torch.tensor(CHOSEN)[kept], weight=weight, label_smoothing=smoothing
    )
    found = cross_entropy(logits, one_hot(CHOSEN), class_weight=weight, label_smoothing=smoothing)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)


def test_cross_entropy_equals_torch_on_soft_targets(case: tuple[np.ndarray, ...]) -> None:
    logits = torch.tensor(case[0])
    targets = torch.softmax(torch.tensor(np.random.default_rng(1).normal(size=(N, K))), dim=1)
    assert cross_entropy(logits, targets).item() == pytest.approx(
        functional.cross_entropy(logits, targets).item(), rel=1e-12
    )


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_cross_entropy_equals_the_sum_written_out(case: tuple[np.ndarray, ...], gamma: float) -> None:
    logits, _, weights, rows = case
    alpha = np.array([0.2, 0.4, 0.6, 0.8])
    found = focal_cross_entropy(
        torch.tensor(logits),
        one_hot(CHOSEN),
        gamma=gamma,
        alpha=torch.tensor(alpha),
        class_weight=torch.tensor(weights),
        row_weight=torch.tensor(rows),
    )
    assert found.item() == pytest.approx(
        softmax_by_hand(logits, CHOSEN, weights, rows, gamma, alpha), rel=1e-12
    )


def test_two_classes_with_one_alpha_are_the_binary_focal_loss() -> None:
    x = torch.tensor([[-1.0], [0.4], [2.0]], dtype=torch.float64)
    truth = torch.tensor([[1.0], [0.0], [1.0]], dtype=torch.float64)
    binary = focal_bce(x, truth, alpha=0.25)
    both = focal_cross_entropy(
        torch.cat([torch.zeros_like(x), x], dim=1), torch.cat([1 - truth, truth], dim=1), alpha=0.25
    )
    assert both.item() == pytest.approx(binary.item(), rel=1e-12)
    with pytest.raises(ValueError, match="one for each of the 4"):
        focal_cross_entropy(torch.zeros(N, K), one_hot(CHOSEN), alpha=0.25)


ALL_LOSSES = [
    ("multi_label", "bce", {}),
    ("multi_label", "bce", {"label_smoothing": 0.1}),
    ("multi_label", "focal", {}),
    ("multi_label", "focal", {"gamma": 0.5, "alpha": 0.25}),
    ("multi_label", "focal", {"gamma": 1.0, "class_weight": torch.tensor([1.0, 5.0, 2.0, 3.0])}),
    ("single_label", "cross_entropy", {}),
    ("single_label", "cross_entropy", {"label_smoothing": 0.1}),
    ("single_label", "focal", {}),
    ("single_label", "focal", {"gamma": 0.5, "alpha": [0.2, 0.4, 0.6, 0.8]}),
    ("single_label", "focal", {"gamma": 1.0, "class_weight": torch.tensor([1.0, 5.0, 2.0, 3.0])}),
]
each_loss = pytest.mark.parametrize(("task", "name", "options"), ALL_LOSSES)


def targets_for(task: str, case: tuple[np.ndarray, ...]) -> Tensor:
    return torch.tensor(case[1]) if task == "multi_label" else one_hot(CHOSEN)


@each_loss
def test_gradient_equals_finite_differences_and_is_zero_where_masked(
    case: tuple[np.ndarray, ...], task: str, name: str, options: dict
) -> None:
    loss = make_loss(task, name, **options)
    targets, rows = targets_for(task, case), torch.tensor(case[3])
    logits = torch.tensor(case[0], requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: loss(x, targets, rows), (logits,))
    (gradient,) = torch.autograd.grad(loss(logits, targets, rows), logits)
    assert (gradient[targets.isnan()] == 0).all() and (gradient[~targets.isnan()] != 0).all()


@each_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("right", [True, False])
def test_extreme_logits_stay_finite_and_cost_what_they_should(
    task: str, name: str, options: dict, dtype: torch.dtype, right: bool
) -> None:
    targets = torch.eye(K)
    logits = ((2 * targets - 1) * (1e4 if right else -1e4)).to(dtype).requires_grad_()
    loss = make_loss(task, name, **options)(logits, targets)
    loss.backward()
    assert loss.dtype == torch.float32 and torch.isfinite(loss)
    assert logits.grad is not None and torch.isfinite(logits.grad).all()
    if right and not options.get("label_smoothing"):
        assert loss.item() < 1e-6 and (logits.grad == 0).all()
    elif not right:
        assert loss.item() > 100


@each_loss
def test_half_precision_is_computed_in_float32(
    case: tuple[np.ndarray, ...], task: str, name: str, options: dict
) -> None:
    loss = make_loss(task, name, **options)
    rounded = torch.tensor(case[0]).bfloat16()
    targets = targets_for(task, case)
    assert loss(rounded, targets).item() == pytest.approx(loss(rounded.double(), targets).item(), rel=1e-5)


@each_loss
def test_a_batch_that_nobody_looked_at_costs_nothing(task: str, name: str, options: dict) -> None:
    logits = torch.full((2, K), 3.0, requires_grad=True)
    loss = make_loss(task, name, **options)(logits, torch.full((2, K), NAN), torch.ones(2))
    loss.backward()
    assert loss.item() == 0 and logits.grad is not None and (logits.grad == 0).all()


def test_a_row_with_one_unknown_class_is_masked_whole() -> None:
    logits = torch.tensor([[1.0, 2.0], [0.5, -1.0]])
    targets = torch.tensor([[1.0, 0.0], [1.0, NAN]])
    assert cross_entropy(logits, targets).item() == cross_entropy(logits[:1], targets[:1]).item()


def test_a_row_of_weight_three_is_that_row_three_times(case: tuple[np.ndarray, ...]) -> None:
    logits, targets = torch.tensor(case[0]), torch.tensor(case[1])
    rows = torch.ones(N)
    rows[4] = 3
    again = [*range(N), 4, 4]
    for loss, truth in ((focal_bce, targets), (focal_cross_entropy, one_hot(CHOSEN))):
        weighted: Callable[..., Tensor] = loss
        assert weighted(logits, truth, row_weight=rows).item() == pytest.approx(
            weighted(logits[again], truth[again]).item(), rel=1e-12
        )


def test_make_loss_is_the_function_it_names(case: tuple[np.ndarray, ...]) -> None:
    logits, targets, weight = torch.tensor(case[0]), torch.tensor(case[1]), torch.tensor(case[2])
    for found, expected in [
        (
            make_loss("multi_label", "bce", class_weight=weight),
            masked_bce(logits, targets, pos_weight=weight),
        ),
        (make_loss("multi_label", "focal", gamma=3), focal_bce(logits, targets, gamma=3)),
    ]:
        assert found(logits, targets).item() == expected.item()
    classes = one_hot(CHOSEN)
    assert (
        make_loss("single_label", "cross_entropy", class_weight=weight)(logits, classes).item()
        == cross_entropy(logits, classes, class_weight=weight).item()
    )
    assert (
        make_loss("single_label", "focal")(logits, classes).item()
        == focal_cross_entropy(logits, classes).item()
    )


@pytest.mark.parametrize(
    ("task", "name", "options", "message"),
    [
        ("ranking", "bce", {}, "multi_label or single_label"),
        ("multi_label", "cross_entropy", {}, "does not fit multi_label: choose bce or focal"),
        ("single_label", "bce", {}, "choose cross_entropy or focal"),
        ("multi_label", "bce", {"alpha": 0.25}, "alpha belongs to the focal loss"),
        ("multi_label", "focal", {"gamma": -1}, "gamma must be 0 or more"),
        ("single_label", "focal", {"label_smoothing": 1.0}, "less than 1"),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(task: str, name: str, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_loss(task, name, **options)
