"""Writes the rows of one epoch: Jigsaw's, wider English ones and our own, each source with its share.

    python experiments/mixture.py --out ROWS.npz [--plan standard|wiki|fair] [--scale 0.2] [--seed 1]
        [--own kinds|phrases|none] [--fold 0/2] [--leave-out SOURCE ...]

Targets are soft where the raters' shares are known. A label that nobody looked at weighs 0, or a little with
the starting version's score as its target (--rehearse). The file has text, targets (n, 6), weights (n, 6),
source, id and fold_hash, by which a row's fold goes whatever became of its text.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.networks import logits_of
from experiments.places import load_arrays, runs, save_arrays
from experiments.rows import (
    FOLD_HASHES,
    IDENTITY_HATE,
    LABELS,
    TOXIC,
    WIKI,
    fold_hash,
    is_in_fold,
    jigsaw,
    parsed_fold,
    wider,
)
from toxicity_ml.augmentation.counterexamples import counterexamples
from toxicity_ml.augmentation.joining import join
from toxicity_ml.augmentation.kinds import kind_examples
from toxicity_ml.augmentation.noise import add_noise
from toxicity_ml.augmentation.stripping import strip_case, strip_punctuation
from toxicity_ml.classifier import PRETRAINED
from toxicity_ml.evaluation import sigmoid
from toxicity_ml.reporting.identity_terms import mentioned


class Share(NamedTuple):
    """How many rows of a source an epoch has at scale 1, and what a label of them weighs."""

    toxic: int
    clean: int
    """Rows that half of the raters or fewer called toxic."""
    unknown: int
    """Rows of which nobody said whether they are toxic."""
    weight: float


ALL = 10**9
PLANS: dict[str, dict[str, Share]] = {
    "standard": {
        WIKI: Share(11000, 24000, 0, 1.0),
        "civil_comments": Share(ALL, ALL, 0, 1.0),
        "toxic_spans": Share(5000, 0, 0, 0.7),
        "edos": Share(1200, 0, 0, 0.7),
        "hatemoji": Share(ALL, ALL, ALL, 1.0),
        "hatexplain": Share(1800, 1800, 0, 0.6),
        "implicit_hate": Share(2200, 0, 2600, 0.7),
        "gab_hate_corpus": Share(1800, 4000, 0, 0.8),
        "stormfront": Share(900, 0, 1800, 0.7),
        "davidson": Share(900, 1800, 0, 0.6),
        "convabuse": Share(ALL, ALL, 0, 0.8),
        "sbic_dev": Share(ALL, ALL, 0, 0.7),
        "toxichat_reddit": Share(ALL, ALL, 0, 0.8),
        "misogyny_reddit": Share(500, 0, 1200, 0.6),
        "ruddit": Share(ALL, ALL, 0, 0.6),
        "paradetox": Share(3500, 3500, 0, 0.7),
        "bold": Share(0, 1200, 0, 1.0),
        "holistic_bias": Share(0, 1500, 0, 1.0),
        "wiki_context": Share(150, 2500, 0, 0.8),
        "jigsaw_templates": Share(ALL, ALL, 0, 0.6),
    },
}
PLANS["wiki"] = PLANS["standard"] | {WIKI: Share(20000, 40000, 0, 1.0)}
"""The same with more of Jigsaw, for students whose logits are held there (fit.py --hold)."""
PLANS["fair"] = PLANS["wiki"] | {"paradetox": Share(10000, 10000, 0, 1.0)}
"""More of the source whose order is lost first by a student of many harmless strong words."""
RARE_SHARE = 1.6
"""How many times as often as others Jigsaw's rows with a rare label are drawn."""
NAMES_GROUP_CLEAN = 1.5
"""What a clean row that names a group weighs beside others: it is what people are flagged for wrongly."""
FILLED = {"toxic": 0.5, "severe_toxic": 0.3, "obscene": 0.3}
"""What the starting version's score weighs as a target where nobody looked; toxic only where identity_hate is
known to be 0, so that a one-sided source has rows on its other side."""
CASE_STRIPPED = 0.1
NO_REHEARSAL, WHOLE_REHEARSAL, FRUGAL_REHEARSAL = 0, 1, 2


class Epoch(NamedTuple):
    """Rows on their way into a file."""

    rows: pd.DataFrame
    targets: np.ndarray
    """float (n, n_labels), NaN where nobody looked."""
    weights: np.ndarray
    """float (n, n_labels)."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file and print how many rows each source has in it."""
    options = _parser().parse_args(arguments)
    made = build(options)
    save_arrays(options.out, made)
    table = pd.DataFrame(
        {
            "source": made["source"],
            "toxic": made["targets"][:, TOXIC],
            "known": made["weights"][:, TOXIC] > 0,
            "characters": [len(text) for text in made["text"]],
        }
    )
    shown = table.groupby("source").agg(
        rows=("toxic", "size"),
        known=("known", "sum"),
        toxic=("toxic", "mean"),
        characters=("characters", "median"),
    )
    print(shown.round(2).to_string())
    print(len(made["text"]), "rows ->", options.out, flush=True)


def build(options: argparse.Namespace) -> dict[str, np.ndarray]:
    """Return the arrays of the file; the same options and data give the same ones."""
    chance = np.random.default_rng(options.seed)
    epoch = _weighted(_drawn(options, chance), options)
    if options.rehearse != NO_REHEARSAL:
        epoch = _rehearsed(epoch, Path(options.start), is_frugal=options.rehearse == FRUGAL_REHEARSAL)
    rows, targets, weights = epoch
    texts = [_disturbed(*row, chance, options) for row in zip(rows.text, rows.source, strict=True)]
    texts = _joined(texts, epoch, chance, options.joined)
    sources, ids = rows.source.tolist(), rows.id.astype(str).tolist()
    originals = rows.text.tolist()
    own = _own(options, chance)
    if own:
        labels = np.array([row.labels for row in own], dtype=np.float64)
        targets = np.concatenate([targets, labels])
        weights = np.concatenate([weights, np.where(np.isnan(labels), 0.0, options.own_weight)])
    return {
        "text": np.array(texts + [row.text for row in own]),
        "targets": np.clip(np.nan_to_num(targets, nan=0.0), 0, 1).astype(np.float32),
        "weights": weights.astype(np.float32),
        "source": np.array(sources + [row.source for row in own]),
        "id": np.array(ids + [row.id for row in own]),
        FOLD_HASHES: np.array(
            [fold_hash(text) for text in originals + [row.text for row in own]], dtype=np.uint32
        ),
    }


def _drawn(options: argparse.Namespace, chance: np.random.Generator) -> pd.DataFrame:
    """Return each source's rows, as many as the plan says, with the source's weight."""
    english = wider()
    of_fold = 1 / parsed_fold(options.fold)[1] if options.fold else 1
    parts: list[pd.DataFrame] = []
    for source, share in PLANS[options.plan].items():
        if source in options.leave_out:
            continue
        rows = jigsaw() if source == WIKI else english[english.source == source]
        if options.fold:
            rows = rows[is_in_fold(rows.text, options.fold)]
        draw = _drawn_of_wiki if source == WIKI else _drawn_of_wider
        parts += [
            part.assign(weight=share.weight)
            for part in draw(rows, share, options.scale, options.scale * of_fold, chance)
        ]
    return pd.concat(parts, ignore_index=True)


def _drawn_of_wiki(
    rows: pd.DataFrame, share: Share, _: float, scale: float, chance: np.random.Generator
) -> list[pd.DataFrame]:
    """Return toxic rows, those with a rare label first, and clean ones."""
    rare = rows[rows.severe_toxic + rows.threat + rows.identity_hate > 0]
    rare = rare.sample(frac=min(1, scale * RARE_SHARE), random_state=_seed(chance))
    other = rows[(rows.toxic > 0.5) & ~rows.index.isin(rare.index)]
    left = max(0, round(share.toxic * scale) - len(rare))
    toxic = pd.concat([rare, other.sample(min(len(other), left), random_state=_seed(chance))])
    clean = rows[rows.toxic == 0]
    return [toxic, clean.sample(min(len(clean), round(share.clean * scale)), random_state=_seed(chance))]


def _drawn_of_wider(
    rows: pd.DataFrame, share: Share, scale: float, scale_of_fold: float, chance: np.random.Generator
) -> list[pd.DataFrame]:
    """Return rows of each side, and clean news twice: nearly all other news is toxic."""
    parts: list[pd.DataFrame] = []
    for chosen, wanted in (
        (rows[rows.toxic > 0.5], share.toxic),
        (rows[rows.toxic <= 0.5], share.clean),
        (rows[rows.toxic.isna()], share.unknown),
    ):
        if wanted and len(chosen):
            count = len(chosen) * min(1, scale) if wanted == ALL else wanted * scale_of_fold
            parts.append(chosen.sample(min(len(chosen), round(count)), random_state=_seed(chance)))
    if (rows.source == "civil_comments").any():
        clean = rows[rows.toxic < 0.2]
        parts.append(clean.sample(frac=min(1, scale), random_state=_seed(chance)))
    return parts


def _seed(chance: np.random.Generator) -> int:
    return int(chance.integers(2**31))


def _weighted(rows: pd.DataFrame, options: argparse.Namespace) -> Epoch:
    """Return the rows with their labels, and what each of these weighs."""
    targets = rows[LABELS].to_numpy(dtype=np.float64)
    weights = np.where(np.isnan(targets), 0.0, 1.0) * rows.weight.to_numpy()[:, None]
    weights[(rows.source != WIKI).to_numpy(), 1:] *= options.other_labels
    names_group = np.array([bool(mentioned(text)) for text in rows.text])
    is_clean = ~(np.nan_to_num(targets, nan=1.0)[:, TOXIC] > 0.2)
    weights[names_group & is_clean] *= NAMES_GROUP_CLEAN
    return Epoch(rows, targets, weights)


def _rehearsed(epoch: Epoch, start: Path, *, is_frugal: bool) -> Epoch:
    """Return the rows with the starting version's scores as targets of labels that nobody looked at.

    is_frugal: True scores only rows whose toxic would be unknown otherwise, and fills the others where they
    were scored before.
    """
    rows, targets, weights = epoch.rows, epoch.targets.copy(), epoch.weights.copy()
    known = _known_logits(rows, start, is_frugal=is_frugal)
    calibration = json.loads((start / "manifest.json").read_text(encoding="utf-8"))["calibration"]
    slope = np.array([calibration[label]["slope"] for label in LABELS])
    intercept = np.array([calibration[label]["intercept"] for label in LABELS])
    ids = rows.id.astype(str)
    places = np.flatnonzero(((rows.source != WIKI) & ids.isin(known.keys())).to_numpy())
    scores = sigmoid(np.array([known[name] for name in ids.to_numpy()[places]]) * slope + intercept)
    for label, weight in FILLED.items():
        index = LABELS.index(label)
        fill = np.isnan(targets[places, index])
        if label == "toxic":
            fill &= targets[places, IDENTITY_HATE] == 0
        chosen = places[fill]
        targets[chosen, index] = scores[fill, index]
        weights[chosen, index] = weight * rows.weight.to_numpy()[chosen]
    return Epoch(rows, targets, weights)


def _known_logits(rows: pd.DataFrame, start: Path, *, is_frugal: bool) -> dict[str, np.ndarray]:
    """Return the starting version's logits of wider rows by id; what was scored once is kept in the runs."""
    cache = runs() / "shipped_cache.npz"
    known: dict[str, np.ndarray] = {}
    if cache.exists():
        kept = load_arrays(cache)
        known = dict(zip(kept["id"].tolist(), kept["logits"], strict=True))
    wanted = rows[rows.source != WIKI].drop_duplicates("id")
    missing = wanted[~wanted.id.astype(str).isin(known.keys())]
    if is_frugal:
        missing = missing[missing.toxic.isna() & (missing.identity_hate == 0)]
    if len(missing):
        print(f"scoring {len(missing)} rows with {start.name}", flush=True)
        found = logits_of(start, missing.text.tolist(), max_length=128)
        known.update(zip(missing.id.astype(str), found, strict=True))
        save_arrays(cache, {"id": np.array(list(known)), "logits": np.array(list(known.values()))})
    return known


def _disturbed(text: str, source: str, chance: np.random.Generator, options: argparse.Namespace) -> str:
    """Return the text as people might write it: misspelt, without punctuation, in small letters."""
    draws = chance.random(3)
    if draws[0] < (options.noise if source == WIKI else options.noise / 2):
        text = add_noise(text, chance)
    if draws[1] < options.stripped:
        text = strip_punctuation(text)
    if draws[2] < CASE_STRIPPED:
        text = strip_case(text)
    return text


def _joined(texts: Sequence[str], epoch: Epoch, chance: np.random.Generator, share: float) -> list[str]:
    """Return the texts, some short ones joined to a short clean one: of their source, or else of Jigsaw."""
    lengths = np.array([len(text) for text in texts])
    clean = (epoch.targets[:, TOXIC] < 0.1) & (epoch.weights[:, TOXIC] > 0)
    clean &= (lengths < 160) & (lengths > 10)
    sources = epoch.rows.source
    pools = {source: np.flatnonzero(clean & (sources == source).to_numpy()) for source in sources.unique()}
    joined = list(texts)
    for place in np.flatnonzero((chance.random(len(joined)) < share) & (lengths < 200)):
        pool = pools[sources.iloc[place]]
        if len(pool) < 200:
            pool = pools.get(WIKI, pool)
        if len(pool):
            joined[place] = join(joined[place], joined[int(chance.choice(pool))], chance)
    return joined


class Own(NamedTuple):
    """A row that we wrote."""

    text: str
    labels: Sequence[float]
    source: str
    id: str


def _own(options: argparse.Namespace, chance: np.random.Generator) -> list[Own]:
    """Return phrases, and examples of kinds if they are asked for."""
    if options.own == "none":
        return []
    found = counterexamples(round(options.phrases * options.scale), seed=_seed(chance))
    texts = enumerate(zip(found["text"], found["labels"], strict=True))
    own = [Own(text, labels, "own phrases", f"p{number}") for number, (text, labels) in texts]
    if options.own == "kinds":
        for number, example in enumerate(kind_examples(options.draws, seed=_seed(chance))):
            text = _disturbed(example.text, WIKI, chance, options)
            own.append(Own(text, example.labels, f"own {example.kind}", f"k{number}"))
    return own


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True)
    parser.add_argument("--plan", default="standard", choices=sorted(PLANS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the plan's numbers")
    parser.add_argument("--fold", default="", help="K/N: only the rows of fold K, counted from 0")
    parser.add_argument("--leave-out", nargs="*", default=[], metavar="SOURCE")
    parser.add_argument("--own", default="kinds", choices=("kinds", "phrases", "none"))
    parser.add_argument(
        "--other-labels",
        type=float,
        default=1.0,
        help="what the five other labels of the wider sources weigh beside toxic",
    )
    parser.add_argument("--phrases", type=int, default=4000)
    parser.add_argument("--draws", type=int, default=8, help="texts of each template of a kind")
    parser.add_argument("--own-weight", type=float, default=1.0)
    parser.add_argument(
        "--rehearse",
        type=int,
        default=WHOLE_REHEARSAL,
        choices=(NO_REHEARSAL, WHOLE_REHEARSAL, FRUGAL_REHEARSAL),
        help="fill labels that nobody looked at with the starting version's scores: 0 none, 1 all, "
        "2 those without which a row would teach nothing",
    )
    parser.add_argument("--start", default=str(PRETRAINED), help="that version's directory")
    parser.add_argument("--noise", type=float, default=0.3)
    parser.add_argument("--stripped", type=float, default=0.2)
    parser.add_argument("--joined", type=float, default=0.08)
    return parser


if __name__ == "__main__":
    main()
