"""Measures saved classifiers on rows that none was trained on: Jigsaw's, by source, by kind of comment.

    python experiments/judge.py --out JSON [--part valid|test] NAME=DIR [NAME=DIR ...]

All read the same rows in the same way: first window of 192 tokens, bfloat16. The thresholds are chosen for
each alike: toxic's by F1 on a blend of a third each of Wikipedia's talk pages, news and forums, 8 % of it
toxic, the others' on Jigsaw's rows at natural prevalence. The logits are kept, so a further network costs its
own scoring alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.figures import (
    RECALLS,
    any_label,
    auc,
    best_f1_threshold,
    by_kind,
    cell,
    f1,
    f1_at_best,
    ranked,
    rate,
    rounded,
)
from experiments.judged_rows import rows_to_judge
from experiments.networks import logits_of
from experiments.places import load_arrays, runs, save_arrays
from experiments.rows import (
    BLEND_PREVALENCE,
    FORUMS,
    LABELS,
    NEWS,
    TOXIC,
    at_natural_prevalence,
    sides,
    truth_of,
)
from toxicity_ml.evaluation import sigmoid
from toxicity_ml.evaluation.metrics import weighted_average_precision

FIVE = [index for index, label in enumerate(LABELS) if label != "threat"]
"""Labels with enough positives among Jigsaw's rows."""
SHOWN = ("toxic", "obscene", "insult")
FOUND_APART = ("threat", "insult", "obscene", "identity_hate")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the figures of each network and print them side by side."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="NAME=DIR")
    parser.add_argument("--out", required=True)
    parser.add_argument("--part", default="valid", choices=("valid", "test"))
    options = parser.parse_args(arguments)
    rows = rows_to_judge(options.part)
    print(len(rows), "rows", flush=True)
    results: dict[str, Any] = {}
    for entry in options.models:
        name, _, directory = entry.partition("=")
        results[name] = measured(rows, kept_logits(name, Path(directory), rows, options.part))
    Path(options.out).write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(table(results), flush=True)


def kept_logits(name: str, directory: Path, rows: pd.DataFrame, part: str) -> np.ndarray:
    """Return a network's logits on the rows, scored once for these weights and texts."""
    texts = rows.text.tolist()
    digest = hashlib.sha256((directory / "model.safetensors").read_bytes())
    digest.update(json.dumps(texts).encode())
    is_ours = directory.resolve().is_relative_to(runs().resolve())
    file = directory / f"judged_{part}.npz" if is_ours else runs() / f"judged_{name}_{part}.npz"
    if file.exists():
        kept = load_arrays(file)
        if str(kept.get("of")) == digest.hexdigest():
            return kept["logits"]
    logits = logits_of(directory, texts)
    save_arrays(file, {"logits": logits, "of": np.array(digest.hexdigest())})
    return logits


def measured(rows: pd.DataFrame, logits: np.ndarray) -> dict[str, Any]:
    """Return every figure of a network. rows: of `rows_to_judge`. logits: float (n, n_labels)."""
    truth = truth_of(rows)
    at = {name: (rows.set == name).to_numpy() for name in rows.set.unique()}
    both, enriched = at["jigsaw valid"] | at["jigsaw enriched"], at["jigsaw enriched"]
    weights = np.zeros(len(rows))
    weights[both] = at_natural_prevalence(truth[both])
    thresholds = chosen_thresholds(rows, truth, logits, weights)
    over = np.asarray(logits >= thresholds)
    natural, toxic = at["jigsaw valid"], truth[:, TOXIC]
    return {
        "jigsaw": _of_jigsaw(truth, logits, weights, both, enriched)
        | {
            "f1 enriched at the blend's threshold": {
                label: rounded(f1(truth[enriched, index] > 0.5, over[enriched, index]))
                for index, label in enumerate(LABELS)
            },
            "natural: recall, false alarms": [
                rounded(over[natural & (toxic == side), TOXIC].mean()) for side in (1, 0)
            ],
        },
        "thresholds": dict(zip(LABELS, (rounded(value) for value in thresholds), strict=True)),
        "sources": {
            source: _of_source(rows, truth, logits, over[:, TOXIC], source)
            for source in sorted(set(rows.source[at["wider"]]))
        },
        "kinds": by_kind(rows[at["kinds"]], any_label(over[at["kinds"]]), logits[at["kinds"]]),
        **_of_phrases(rows[at["phrases"]], any_label(over[at["phrases"]]), logits[at["phrases"], TOXIC]),
    }


def chosen_thresholds(
    rows: pd.DataFrame, truth: np.ndarray, logits: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return each label's threshold, a raw logit. weights: Jigsaw's at natural prevalence, 0 elsewhere."""
    both = weights > 0
    thresholds = [
        best_f1_threshold(truth[both, index] > 0.5, logits[both, index], weights[both])
        for index in range(len(LABELS))
    ]
    blend = _blend_weights(rows, truth[:, TOXIC])
    chosen = blend > 0
    score = logits[chosen, TOXIC].astype(np.float64)
    thresholds[TOXIC] = best_f1_threshold(truth[chosen, TOXIC] > 0.5, score, blend[chosen])
    return np.array(thresholds)


def _blend_weights(rows: pd.DataFrame, toxic: np.ndarray) -> np.ndarray:
    is_wider = rows.set == "wider"
    weights = np.zeros(len(rows))
    for is_part in (
        rows.set == "jigsaw valid",
        is_wider & rows.source.isin(NEWS),
        is_wider & rows.source.isin(FORUMS),
    ):
        positive, negative = is_part.to_numpy() & (toxic > 0.5), is_part.to_numpy() & (toxic < 0.3)
        weights[positive] += BLEND_PREVALENCE / positive.sum()
        weights[negative] += (1 - BLEND_PREVALENCE) / negative.sum()
    return weights


def _of_jigsaw(
    truth: np.ndarray, logits: np.ndarray, weights: np.ndarray, both: np.ndarray, enriched: np.ndarray
) -> dict[str, Any]:
    precision, area = [], []
    for index in range(len(LABELS)):
        is_true, score = truth[both, index] > 0.5, logits[both, index]
        precision.append(weighted_average_precision(is_true, score.astype(np.float64), weights[both]))
        area.append(roc_auc_score(is_true, score, sample_weight=weights[both] + 1e-9))
    return {
        "mean ap of five": rounded(np.mean([precision[index] for index in FIVE]), 4),
        "ap": dict(zip(LABELS, map(rounded, precision), strict=True)),
        "mean auc of six": rounded(np.mean(area), 4),
        "best f1 enriched": {
            label: rounded(f1_at_best(truth[enriched, index] > 0.5, logits[enriched, index]))
            for index, label in enumerate(LABELS)
        },
    }


def _of_source(
    rows: pd.DataFrame, truth: np.ndarray, logits: np.ndarray, over: np.ndarray, source: str
) -> dict[str, Any]:
    positive, negative = sides(rows, truth, source, borrows=True)
    clean = logits[negative, TOXIC]
    entry: dict[str, Any] = {"toxic": int(positive.sum()), "clean": int(negative.sum())}
    entry |= ranked(logits[positive, TOXIC], clean)
    entry |= {
        "found": rate(over[positive]),
        "false alarms": rate(over[negative]),
        "clean mean": rounded(np.mean(sigmoid(clean))) if len(clean) else None,
    }
    here = ((rows.set == "wider") & (rows.source == source)).to_numpy()
    for label in FOUND_APART:
        index = LABELS.index(label)
        true, false = here & (truth[:, index] > 0.5), here & (truth[:, index] < 0.3)
        if label == "insult" and source == "toxic_spans":
            false = negative
        if true.sum() >= 12 and false.sum() >= 20:
            entry[f"{label} auc"] = rounded(auc(logits[true, index], logits[false, index]))
    return entry


def _of_phrases(phrases: pd.DataFrame, flagged: np.ndarray, score: np.ndarray) -> dict[str, Any]:
    families, is_known = phrases.source.to_numpy(), phrases.toxic.notna().to_numpy()
    return {
        "phrases": {name: rounded(flagged[families == name].mean()) for name in phrases.source.unique()},
        "phrases auc": rounded(roc_auc_score(phrases.toxic[is_known] > 0.5, score[is_known])),
    }


Get = Callable[[Mapping[str, Any]], object]
Lines = list[tuple[str, Get]]


def table(results: Mapping[str, Any]) -> str:
    """Return the figures of all networks side by side, a line each."""
    first = next(iter(results.values()))
    lines = [f"{'':44s} " + "  ".join(f"{name:>24s}" for name in results)]
    for what, get in [*_jigsaw_lines(), *_source_lines(first), *_kind_lines(first), *_last_lines(first)]:
        cells = [cell(get, found) for found in results.values()]
        lines.append(f"{what:44s} " + "  ".join(f"{text:>24s}" for text in cells))
    return "\n".join(lines)


def _jigsaw_lines() -> Lines:
    return [
        ("jigsaw mean AP of five", lambda r: r["jigsaw"]["mean ap of five"]),
        ("jigsaw AP t/st/o/th/i/ih", lambda r: " ".join(f"{v:.2f}" for v in r["jigsaw"]["ap"].values())),
        ("jigsaw mean AUC of six", lambda r: r["jigsaw"]["mean auc of six"]),
        (
            "enriched best F1 toxic, obscene, insult",
            lambda r: [r["jigsaw"]["best f1 enriched"][label] for label in SHOWN],
        ),
        (
            "enriched F1 at threshold t, o, i",
            lambda r: [r["jigsaw"]["f1 enriched at the blend's threshold"][label] for label in SHOWN],
        ),
        ("jigsaw natural recall, false alarms", lambda r: r["jigsaw"]["natural: recall, false alarms"]),
    ]


def _source_lines(first: Mapping[str, Any]) -> Lines:
    lines: Lines = []
    for source, entry in first["sources"].items():
        lines.append((f"{source}: AUC; recall at 1,3,5", _of(_ranked, "sources", source)))
        lines.append((f"{source}: found / for nothing; clean mean", _of(_flagged, "sources", source)))
        lines += [
            (f"{source}: {label} auc", _of(str, "sources", source, f"{label} auc"))
            for label in FOUND_APART
            if f"{label} auc" in entry
        ]
    return lines


def _of(shown: Callable[[Any], str], *keys: str) -> Get:
    """Return what shows the figure that lies under these keys."""

    def get(result: Mapping[str, Any]) -> str:
        found: Any = result
        for key in keys:
            found = found[key]
        return shown(found)

    return get


def _ranked(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('auc', '-')} {' '.join(f'{value:.2f}' for value in entry.get(RECALLS, []))}"


def _flagged(entry: Mapping[str, Any]) -> str:
    return f"{entry['found']} / {entry['false alarms']}; {entry['clean mean']}"


def _kind(entry: Mapping[str, Any]) -> str:
    return "{right} ({clear right} {flagged right}) {auc} {pairs}".format(**entry)


def _kind_lines(first: Mapping[str, Any]) -> Lines:
    lines: Lines = [
        (f"kind {kind}: right (clear, flagged) auc pairs", _of(_kind, "kinds", kind))
        for kind in first["kinds"]
        if kind != "all"
    ]
    return [*lines, ("KINDS mean right, lowest", lambda r: "{right} {lowest}".format(**r["kinds"]["all"]))]


def _last_lines(first: Mapping[str, Any]) -> Lines:
    return [
        ("phrases AUC", lambda r: r["phrases auc"]),
        *((f"phrases flagged: {name}", _of(str, "phrases", name)) for name in sorted(first["phrases"])),
        ("thresholds", lambda r: " ".join(f"{value:.1f}" for value in r["thresholds"].values())),
    ]


if __name__ == "__main__":
    main()
