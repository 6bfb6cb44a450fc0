"""Unintended bias towards comments that mention a group: three AUCs of Borkan et al. (2019)."""

from typing import Any

import numpy as np

from toxicity_ml.evaluation.metrics import MIN_POSITIVES, figure, ranking_metrics
from toxicity_ml.evaluation.resampling import RESAMPLES, weightings

BIAS_METRICS = ("subgroup_auc", "bpsn_auc", "bnsp_auc")


def bias_aucs(
    truth: np.ndarray,
    scores: np.ndarray,
    mentions: np.ndarray,
    weights: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Subgroup, BPSN and BNSP AUC of one label for the comments that mention a group.

    truth, mentions: bool (n,). scores: float (n,). weights: float (n,), 1 each by default.

    The subgroup AUC looks at comments that mention the group alone. BPSN (background positive, subgroup
    negative) sets harmless mentions against toxic comments without one: low means that mentioning the group
    is flagged. BNSP (background negative, subgroup positive) sets toxic mentions against harmless comments
    without one: low means that abuse of the group is missed (Borkan et al. 2019, section 3.2).

    Returns ``{"rows", "positives", "too_few", "subgroup_auc", "bpsn_auc", "bnsp_auc": {value, low, high} or
    None}``. An AUC is None where either of its sides has fewer than MIN_POSITIVES comments; ``too_few`` says
    that none could be given.
    """
    weights = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=float)
    rows = {
        "subgroup_auc": mentions,
        "bpsn_auc": (~mentions & truth) | (mentions & ~truth),
        "bnsp_auc": (~mentions & ~truth) | (mentions & truth),
    }
    wanted = {
        name: chosen
        for name, chosen in rows.items()
        if min(truth[chosen].sum(), (~truth[chosen]).sum()) >= MIN_POSITIVES
    }
    by_name: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
    if wanted:
        for block in weightings(weights, resamples, seed):
            for name, chosen in wanted.items():
                area, _ = ranking_metrics(truth[chosen], scores[chosen], block[:, chosen])
                by_name[name].append(area)
    return {
        "rows": int(mentions.sum()),
        "positives": int((mentions & truth).sum()),
        "too_few": not wanted,
        **{name: figure(np.concatenate(by_name[name])) if name in wanted else None for name in BIAS_METRICS},
    }
