"""Scores that are probabilities: Platt scaling, how far from it scores are, and thresholds."""

import numpy as np

from toxicity_ml.activations import sigmoid, softmax
from toxicity_ml.evaluation.metrics import MIN_POSITIVES


def fit_platt(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of sigmoid(slope * logit + intercept), by weighted maximum likelihood (Platt 1999).

    logits, weights: float (n,). truth: bool (n,). With fewer than MIN_POSITIVES positives or negatives the
    slope stays 1 and only the prevalence is corrected; with none of either, (1, 0).
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return 1.0, 0.0
    if min(positives, negatives) >= MIN_POSITIVES:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1e4, max_iter=1000)
        model.fit(logits[:, None], truth, sample_weight=weights)
        if model.coef_[0, 0] > 0:
            return float(model.coef_[0, 0]), float(model.intercept_[0])
    return 1.0, _intercept(logits, float((weights * truth).sum() / weights.sum()), weights)


def fit_temperature(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    """The temperature T of softmax(logits / T) with the greatest weighted likelihood (Guo et al. 2017,
    section 4.2).

    logits: float (n, n_classes). targets: float (n, n_classes), one-hot; rows with NaN are left out. weights:
    float (n,). Between 0.05 and 20; 1 where no row is left.
    """
    from scipy.optimize import minimize_scalar

    known = ~np.isnan(targets).any(axis=1)
    if not known.any() or not weights[known].sum():
        return 1.0
    kept, truth, weight = logits[known].astype(np.float64), targets[known], weights[known]

    def loss(log_temperature: float) -> float:
        log_p = np.log(np.clip(softmax(kept / np.exp(log_temperature)), 1e-12, 1.0))
        return float(-(weight[:, None] * truth * log_p).sum())

    optimum = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(optimum.x))


def best_threshold(
    probabilities: np.ndarray, weights: np.ndarray, lowest: float = 0.05, beta: float = 1.0
) -> float:
    """The threshold of greatest expected F-beta of calibrated scores,
    (1 + beta^2) E[TP] / (E[flagged] + beta^2 E[positive]).

    Needs no labels and so is as steady for a rare label as its calibration (Ye et al. 2012, section 3).
    probabilities, weights: float (n,). beta: how many times as much recall counts as precision (van
    Rijsbergen 1979). Returns a probability in [lowest, 1).
    """
    order = np.argsort(-probabilities, kind="stable")
    sorted_scores, sorted_weights = probabilities[order], weights[order]
    hits = np.cumsum(sorted_scores * sorted_weights)
    expected = (1 + beta**2) * hits / (np.cumsum(sorted_weights) + beta**2 * hits[-1] + 1e-12)
    at = int(np.argmax(expected))
    below = sorted_scores[at + 1] if at + 1 < len(sorted_scores) else 0.0
    return float(np.clip((sorted_scores[at] + below) / 2, lowest, 0.99))


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Brier skill score against the prevalence, and predicted over observed positives.

    probabilities, weights: float (n,). truth: bool (n,). NaN where there is no positive or no negative.
    """
    if not len(truth):  # a label that nobody looked at
        return {"brier_skill": float("nan"), "predicted_over_observed": float("nan")}
    share = float(np.average(truth, weights=weights))
    if share in (0.0, 1.0):
        return {"brier_skill": float("nan"), "predicted_over_observed": float("nan")}
    brier = float(np.average((probabilities - truth) ** 2, weights=weights))
    predicted = float(np.average(probabilities, weights=weights))
    return {"brier_skill": 1 - brier / (share * (1 - share)), "predicted_over_observed": predicted / share}


def _intercept(logits: np.ndarray, share: float, weights: np.ndarray) -> float:
    """The shift after which the mean probability is ``share``, by bisection."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if np.average(sigmoid(logits + middle), weights=weights) < share else (low, middle)
        )
    return (low + high) / 2
