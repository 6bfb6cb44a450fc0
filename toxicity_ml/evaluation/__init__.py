"""How good scores are: metrics with bootstrap intervals, curves, calibration, thresholds, subgroups.

Takes arrays, returns numbers; loads no model and reads no file. Needs scikit-learn, not torch.
"""

from toxicity_ml.evaluation.calibration import best_threshold, calibration_error, fit_platt, sigmoid
from toxicity_ml.evaluation.comparison import PairedDifference, PairedInterval, paired_difference
from toxicity_ml.evaluation.metrics import (
    METRICS,
    MIN_POSITIVES,
    evaluate,
    ranking_metrics,
    weighted_average_precision,
)
from toxicity_ml.evaluation.resampling import RESAMPLES, Interval

__all__ = [
    "METRICS",
    "MIN_POSITIVES",
    "RESAMPLES",
    "Interval",
    "PairedDifference",
    "PairedInterval",
    "best_threshold",
    "calibration_error",
    "evaluate",
    "fit_platt",
    "paired_difference",
    "ranking_metrics",
    "sigmoid",
    "weighted_average_precision",
]
