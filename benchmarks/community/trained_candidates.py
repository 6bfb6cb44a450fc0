"""Fine-tunes candidates that cost seconds, for the gate and for what bad decisions move.

The network and the way of training are those of `manage.py retrain`; there are fewer texts whose scores are
to stay, fewer epochs, and no export to int8, the same for all candidates. What is kept of a candidate is what
it says of the test side and of comments that nobody reviewed, as arrays in a file, with the guards of fixed
texts but for disguises and time; no texts.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from benchmarks.community.generator import Comment, Kind
from moderation.retraining import probing, soft_targets, training_data
from moderation.retraining.gate import guards
from moderation.retraining.gate.decide import decide
from moderation.retraining.gate.evidence import Evidence
from moderation.retraining.gate.verdict import BETTER, Guard
from moderation.retraining.learning import learning
from moderation.retraining.retrain import Options
from moderation.retraining.splitting import TEST
from moderation.retraining.training_data import Row
from moderation.versions import store
from toxicity_ml import Classifier, corpora
from toxicity_ml.activations import sigmoid
from toxicity_ml.manifest import Manifest
from toxicity_ml.training.checkpoint_scores import checkpoint_logits
from toxicity_ml.training.fine_tune import train
from toxicity_ml.training.options import TrainingOptions

UNREVIEWED, REHEARSED = 60, 100
"""Texts whose scores are to stay: a tenth of what `retrain` takes."""
EPOCHS = 2.0
MAX_LENGTH = 96
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """What one network says, calibrated as the active version is."""

    of_test: Array
    """(n_items, n_labels), of the test side."""
    parent_of_test: Array
    """The same of the version that it started from."""
    of_fresh: Array
    """(n_comments, n_labels), of the comments that nobody reviewed."""
    truth: Array
    """(n_items, n_labels), what is decided on the test side."""
    changed: int
    """Decisions that were spoilt."""
    probabilities: Sequence[float | None]
    is_random: Sequence[bool]
    texts: Sequence[str]
    """The keys of the test side's texts."""
    thresholds: Array
    guards: Sequence[Guard] = ()
    """Of fixed texts: against the version that it started from."""

    def against(self, old: Array) -> Evidence:
        """Return the evidence of the test side, with what another one says of it as the old one's."""
        return Evidence(
            self.truth,
            old,
            self.of_test,
            self.probabilities,
            self.is_random,
            self.texts,
            list(self.thresholds),
            list(self.thresholds),
        )

    @cached_property
    def flagged(self) -> NDArray[np.bool_]:
        """Whether each of the comments that nobody reviewed is flagged."""
        return np.asarray((self.of_fresh >= self.thresholds).any(axis=1), dtype=bool)

    def save(self, path: Path) -> None:
        """Write it, and leave no half of it behind."""
        half = path.with_suffix(".half.npz")
        given = [math.nan if one is None else one for one in self.probabilities]
        np.savez_compressed(
            half,
            of_test=self.of_test,
            parent_of_test=self.parent_of_test,
            of_fresh=self.of_fresh,
            truth=self.truth,
            changed=self.changed,
            probabilities=given,
            is_random=np.asarray(self.is_random),
            texts=np.asarray(self.texts),
            thresholds=self.thresholds,
            guards=json.dumps([asdict(guard) for guard in self.guards]),
        )
        half.replace(path)

    @classmethod
    def read(cls, path: Path) -> Candidate:
        """Read what `save` has written."""
        with np.load(path) as kept:
            return cls(
                kept["of_test"].astype(np.float64),
                kept["parent_of_test"].astype(np.float64),
                kept["of_fresh"].astype(np.float64),
                kept["truth"],
                int(kept["changed"]),
                [None if math.isnan(one) else float(one) for one in kept["probabilities"]],
                [bool(one) for one in kept["is_random"]],
                [str(one) for one in kept["texts"]],
                kept["thresholds"],
                [Guard(**guard) for guard in json.loads(str(kept["guards"]))] if "guards" in kept else (),
            )


class _Network:
    """A checkpoint that answers as a classifier does, in float32 and calibrated as its parent is."""

    def __init__(self, checkpoint: Path, manifest: Manifest) -> None:
        self.checkpoint = checkpoint
        self.manifest = manifest
        self.labels = manifest.labels
        self.thresholds = manifest.thresholds

    def predict_array(self, texts: Sequence[str]) -> Array:
        """Return the scores, (n, n_labels)."""
        logits = checkpoint_logits(self.checkpoint, texts, max_length=MAX_LENGTH)
        return _calibrated(self.manifest, logits)


def make(
    place: Path,
    number: int,
    fresh: Sequence[Comment],
    spoil: Callable[[], int],
    *,
    is_trained: bool = True,
    is_probed: bool = False,
) -> None:
    """Make a candidate of the spoilt decisions of the site, and write what it says to the path `place`.

    spoil: changes decisions and returns how many; the site is as before afterwards. is_trained: False takes
    the active version's own network instead. is_probed: True measures the guards of fixed texts, too.
    """
    with transaction.atomic():
        changed = spoil()
        parent = store.active_version()
        directory = store.local_directory(parent)
        sides = training_data.sides(parent.labels, version=parent)
        with tempfile.TemporaryDirectory(prefix="candidate-") as work:
            network = directory
            if is_trained:
                network = Path(work) / "network"
                _train(directory, network, sides, parent.labels, number)
            manifest = Manifest.load(directory)
            old, new = (_Network(one, manifest) for one in (directory, network))
            tested = [row.text for row in sides.test]
            scores = [
                new.predict_array(tested),
                old.predict_array(tested),
                new.predict_array([comment.text for comment in fresh]),
            ]
            probed = _probed(old, new, directory, sides.rotation.number) if is_probed else []
        transaction.set_rollback(True)
    rows = sides.test
    Candidate(
        *scores,
        np.array([row.labels for row in rows], dtype=np.float64),
        changed,
        [row.probability for row in rows],
        [row.is_random for row in rows],
        [row.text_key for row in rows],
        np.array([manifest.thresholds[label] for label in parent.labels]),
        probed,
    ).save(place)


def _probed(old: _Network, new: _Network, parent: Path, rotation: int) -> list[Guard]:
    """Return the guards of harmless sentences that name a group, and of plain insults that nothing learns."""
    asked = Options()
    rehearsed = soft_targets.rehearsed(
        Classifier.load(parent, verify=False), asked.rehearsed, asked.seed, rotation
    )[TEST]
    return [probing.identity(old, new), probing.kept(old, new, [row.text for row in rehearsed])]


def _train(parent: Path, out: Path, sides: Any, labels: Sequence[str], seed: int) -> None:
    asked = Options()
    rows = learning(
        Classifier.load(parent, verify=False),
        sides,
        unreviewed=UNREVIEWED,
        rehearsed=REHEARSED,
        seed=asked.seed,
    )
    options = TrainingOptions(
        base_model=str(parent),
        labels=tuple(labels),
        batch_size=asked.batch_size,
        epochs=EPOCHS,
        max_length=MAX_LENGTH,
        body_lr=asked.body_lr,
        head_lr=asked.head_lr,
        trainable=asked.trainable,
        rehearsal_weight=asked.rehearsal_weight,
        keep_confirmed=True,
        interpolation=asked.interpolation,
        class_weights="none",
        evaluations=0,
        resume=False,
        progress=False,
        seed=1000 + seed,
    )
    kept = [row.text for row in rows.kept]
    train(_dataset(rows.learned, labels), _dataset(sides.dev, labels), out, options, rehearsed=kept)
    shutil.rmtree(f"{out}.work", ignore_errors=True)


def _dataset(rows: Sequence[Row], labels: Sequence[str]) -> Any:
    return corpora.from_rows(
        ({"text": row.text, "labels": row.labels, "weight": row.weight} for row in rows), labels
    )


def _calibrated(manifest: Manifest, logits: Any) -> Array:
    slopes, intercepts = (
        np.array([manifest.calibration[label][part] for label in manifest.labels])
        for part in ("slope", "intercept")
    )
    return np.asarray(sigmoid(slopes * logits + intercepts), dtype=np.float64)


def judged(first: Path, candidates: Sequence[Path], fresh: Sequence[Comment]) -> list[dict[str, Any]]:
    """Let the gate decide on candidates that learned the same decisions, one after the other, as on a site.

    first: the active version; one that is better than it is active from then on. The guards are those of the
    reviewed comments; the ones of other texts are of the version that all started from. "result_alone" is
    the answer where a candidate is the first one. Returns lines as those of `retrain_null.py`.
    """
    begun = active = Candidate.read(first)
    lines = []
    for number, path in enumerate(candidates):
        new = Candidate.read(path)
        _, alone = decide(new.against(begun.of_test))
        line = _line(number, active, new, active.of_test, fresh, earlier=number)
        lines.append({**line, "result_alone": alone.result})
        if line["result"] == BETTER:
            active = new
    return lines


def judged_apart(parent: Path, candidates: Sequence[Path], fresh: Sequence[Comment]) -> list[dict[str, Any]]:
    """Let the gate decide on candidates of decisions that were spoilt anew for each of them."""
    old = Candidate.read(parent)
    made = [Candidate.read(path) for path in candidates]
    return [_line(number, old, new, new.parent_of_test, fresh, earlier=0) for number, new in enumerate(made)]


def _line(
    number: int, old: Candidate, new: Candidate, before: Array, fresh: Sequence[Comment], *, earlier: int
) -> dict[str, Any]:
    truth = np.array([comment.truth for comment in fresh], dtype=np.float64)
    flagged = [int(one.flagged.sum()) for one in (old, new)]
    probed = [*new.guards, guards.rate(guards.FLAG_RATE, *flagged, len(fresh))]
    comparison, verdict = decide(new.against(before), probed, earlier_comparisons=earlier)
    return {
        "number": number,
        "changed_decisions": new.changed,
        "result": verdict.result,
        "reasons": verdict.reasons,
        "needs_force": verdict.needs_force,
        "guards": {
            guard.name: {"old": guard.old, "new": guard.new, "passed": guard.passed}
            for guard in verdict.guards
            if guard.is_measured
        },
        "comparison": comparison.as_dict(),
        "brier": {"old": brier(old.of_fresh, truth), "new": brier(new.of_fresh, truth)},
        "kinds": {"old": flagged_of(old, fresh), "new": flagged_of(new, fresh)},
    }


def brier(scores: Array, truth: Array) -> float:
    """Return the mean squared error over comments and labels, the figure that the gate compares."""
    return float(((scores - truth) ** 2).mean())


def flagged_of(candidate: Candidate, fresh: Sequence[Comment]) -> dict[str, float]:
    """Return which share of each kind of comment is flagged; 0 where there is none of the kind."""
    kinds = np.array([comment.kind for comment in fresh])
    return {
        kind.value: float(candidate.flagged[kinds == kind].sum() / max(1, (kinds == kind).sum()))
        for kind in Kind
    }
