"""Measures how good scores are: metrics with intervals, curves, calibration, thresholds, subgroups.

Takes arrays, returns numbers; loads no model and reads no file. Needs scikit-learn, not torch.
"""

from toxicity_ml.activations import sigmoid, softmax
from toxicity_ml.evaluation.calibration import (
    best_threshold,
    calibration_error,
    fit_platt,
    fit_temperature,
)
from toxicity_ml.evaluation.classes import evaluate_classes, most_probable
from toxicity_ml.evaluation.comparison import PairedDifference, PairedInterval, paired_difference
from toxicity_ml.evaluation.curves import (
    FALSE_POSITIVE_RATES,
    Curve,
    curves,
    recall_at_false_positive_rates,
)
from toxicity_ml.evaluation.flags import confusion, cooccurrence, site_view
from toxicity_ml.evaluation.metrics import (
    METRICS,
    MIN_POSITIVES,
    evaluate,
    ranking_metrics,
    weighted_average_precision,
)
from toxicity_ml.evaluation.reliability import reliability
from toxicity_ml.evaluation.resampling import RESAMPLES, Interval, resampled_sums
from toxicity_ml.evaluation.subgroups import bias_aucs

__all__ = [
    "FALSE_POSITIVE_RATES",
    "METRICS",
    "MIN_POSITIVES",
    "RESAMPLES",
    "Curve",
    "Interval",
    "PairedDifference",
    "PairedInterval",
    "best_threshold",
    "bias_aucs",
    "calibration_error",
    "confusion",
    "cooccurrence",
    "curves",
    "evaluate",
    "evaluate_classes",
    "fit_platt",
    "fit_temperature",
    "most_probable",
    "paired_difference",
    "ranking_metrics",
    "recall_at_false_positive_rates",
    "reliability",
    "resampled_sums",
    "sigmoid",
    "site_view",
    "softmax",
    "weighted_average_precision",
]
