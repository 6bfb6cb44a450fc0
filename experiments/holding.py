"""Which labels a student learns, and where its logits are held at those of the version it starts from."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from experiments.rows import LABELS, WIKI

START_THRESHOLDS = (1.449, 0.58, 0.725, -0.67, 0.938, 1.605)
"""Raw logits from which the packaged version flags, by judge.py."""
BLIND = ("hatemoji", "own emoji")
"""Sources whose meaning is in symbols that the starting version did not see: nothing is held there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `held`. With none of them nothing is held and every label learned."""
    group = parser.add_argument_group("holding", "needs rows files to which hold.py added logits")
    group.add_argument(
        "--hold",
        type=float,
        default=0.0,
        help="weight of the squared distance to the starting version's logits on Jigsaw's rows",
    )
    group.add_argument(
        "--hold-unknown", type=float, default=0.0, help="the same on labels that nobody looked at"
    )
    group.add_argument(
        "--confirmed",
        type=float,
        default=0.0,
        help="the same on labels that confirm the starting version's side",
    )
    group.add_argument(
        "--confirmed-labels", type=float, default=0.0, help="what such a label itself weighs beside it"
    )
    group.add_argument(
        "--margin", type=float, default=0.5, help="distance from a threshold from which a label confirms"
    )
    group.add_argument(
        "--wiki-labels", type=float, default=1.0, help="what Jigsaw's own labels weigh beside the hold"
    )
    group.add_argument(
        "--learn", nargs="*", default=[], help="labels that the wider sources teach; all by default"
    )
    group.add_argument(
        "--thresholds", default="", metavar="JSON:NAME", help="judge.py's, instead of the packaged version's"
    )


def start_thresholds(named: str) -> np.ndarray:
    """Return logits from which the starting version flags, (n_labels,): `FILE:NAME` of judge.py's."""
    if not named:
        return np.array(START_THRESHOLDS)
    file, _, name = named.rpartition(":")
    judged = json.loads(Path(file).read_text(encoding="utf-8"))[name]
    return np.array([judged["thresholds"][label] for label in LABELS])


def held(
    sources: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    logits: np.ndarray,
    options: argparse.Namespace,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each label weighs, and what the squared distance to the starting logits weighs beside it.

    sources: (n,). targets, weights, logits: float (n, n_labels). With --learn the wider sources teach these
    labels alone: what they mean by the others cost a first student its mean average precision.
    """
    is_wiki = (sources == WIKI)[:, None]
    is_blind = np.isin(sources, BLIND)[:, None]
    is_own = np.char.startswith(sources, "own")[:, None]
    is_unlearned = np.array([bool(options.learn) and label not in options.learn for label in LABELS])[None, :]
    weights = np.where(~is_wiki & ~is_own & is_unlearned, 0.0, weights)
    hold = np.where(is_wiki, options.hold, 0.0)
    hold = np.where(~is_wiki & ~is_blind & (weights == 0), options.hold_unknown, hold)
    weights = np.where(is_wiki, weights * options.wiki_labels, weights)
    if options.confirmed:
        over = logits - start_thresholds(options.thresholds)
        agrees = ((targets > 0.5) & (over > options.margin)) | ((targets < 0.3) & (over < -options.margin))
        confirmed = agrees & (weights > 0) & ~is_wiki & ~is_blind
        share = confirmed.sum() / max(1, ((weights > 0) & ~is_wiki).sum())
        print(f"{share:.2f} of the other labels confirm the starting version", flush=True)
        hold = np.where(confirmed, options.confirmed, hold)
        weights = np.where(confirmed, weights * options.confirmed_labels, weights)
    return weights.astype(np.float32), (hold + np.zeros_like(targets)).astype(np.float32)
