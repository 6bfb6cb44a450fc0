"""How far disguise, noise and context lower the scores of toxic comments: rewrites, measured in pairs beside
a control in which the toxic words are masked; what undoing disguises costs in false flags; edge cases."""

from toxicity_ml.robustness.attacks import FALSE_FLAG_LIMIT, FLAGGED_SHARE, LIMITS, attack, log_odds
from toxicity_ml.robustness.rewrites import REWRITES, Rewrite
from toxicity_ml.robustness.toxic_words import toxic_words

__all__ = [
    "FALSE_FLAG_LIMIT",
    "FLAGGED_SHARE",
    "LIMITS",
    "REWRITES",
    "Rewrite",
    "attack",
    "log_odds",
    "toxic_words",
]
