"""Says which of our labels stands for which output of a checkpoint, and which outputs are left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toxicity_ml.errors import DataError
from toxicity_ml.labels import JIGSAW_LABELS, MULTI_LABEL, SINGLE_LABEL

KNOWN = {
    **{label: label for label in JIGSAW_LABELS},
    "toxicity": "toxic",
    "severe_toxicity": "severe_toxic",
    "identity_attack": "identity_hate",
    "sexual_explicit": "sexual_explicit",
}
"""Names that Detoxify's and Jigsaw's models give their outputs, and ours."""
SPOKEN_OF = frozenset(
    {
        *("male", "female", "homosexual_gay_or_lesbian", "christian", "jewish", "muslim", "black", "white"),
        "psychiatric_or_mental_illness",
    }
)
"""Outputs of Detoxify's unbiased models that say of whom a comment speaks, which is nothing to moderate."""
CLEAR = frozenset(
    {
        *("neutral", "normal", "clean", "clear", "none", "ok", "okay", "safe", "acceptable", "appropriate"),
        *("benign", "harmless", "non_toxic", "not_toxic", "nontoxic", "nothate", "not_hate", "non_hate"),
        *("not_hateful", "non_hateful", "not_offensive", "non_offensive"),
    }
)
"""Classes of a softmax that say that nothing is wrong."""
_UNNAMED = re.compile(r"label_\d+")


@dataclass(frozen=True)
class Outputs:
    """The outputs of a checkpoint that become labels."""

    labels: tuple[str, ...]
    """Ours, in the order of the outputs."""
    places: tuple[int, ...]
    """The place of each among all outputs."""
    left_out: tuple[str, ...]
    """The checkpoint's names of the others."""


def task_of(problem_type: str | None, names: Sequence[str], chosen: str | None) -> str:
    """Whether the outputs are labels (a sigmoid each) or classes of one softmax.

    problem_type: of the checkpoint's configuration. chosen: what a person said, which goes first. Raises
    DataError for a regression, and where neither says and the names are none that are known as labels.
    """
    if chosen is not None:
        return chosen
    if problem_type == "single_label_classification":
        return SINGLE_LABEL
    if problem_type == "multi_label_classification" or len(names) == 1:
        return MULTI_LABEL
    if problem_type is not None:
        raise DataError(f"The checkpoint is for {problem_type}, not for classification.")
    if any(plain(name) in KNOWN for name in names):
        return MULTI_LABEL
    raise DataError(
        "The checkpoint does not say whether a text has any number of its labels or one of them: give --task "
        f"{MULTI_LABEL} or --task {SINGLE_LABEL}."
    )


def outputs(names: Sequence[str], task: str, given: Mapping[str, str]) -> Outputs:
    """Name the outputs of a checkpoint.

    names: as its configuration has them. given: {theirs: ours}, an empty one leaves the output out. What is
    not given is named by KNOWN, or by its own name in lower case with underscores; SPOKEN_OF and, of a
    softmax, CLEAR are left out. Raises DataError for a name that the checkpoint does not have, for one that
    is no name (``LABEL_0``), for two outputs of one name, and where nothing is left.
    """
    unknown = [name for name in given if name not in names]
    if unknown:
        raise DataError(f"The checkpoint has no {', '.join(unknown)}; it has {', '.join(names)}.")
    chosen = [given[name] if name in given else _named(name, task) for name in names]
    unnamed = [name for name, label in zip(names, chosen, strict=True) if _UNNAMED.fullmatch(label)]
    if unnamed:
        raise DataError(
            f"The checkpoint calls its outputs {', '.join(unnamed)}: say what each is with "
            f"--map {unnamed[0]}=toxic, or leave it out with --map {unnamed[0]}=."
        )
    kept = [place for place, label in enumerate(chosen) if label]
    labels = tuple(chosen[place] for place in kept)
    if not labels:
        raise DataError("Every output would be left out: keep one with --map THEIRS=OURS.")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise DataError(f"Two outputs would be {', '.join(twice)}: name one otherwise, or leave it out.")
    bad = [label for label in labels if label != plain(label)]
    if bad:
        raise DataError(
            f"{', '.join(bad)}: a label is written in small letters, digits and underscores, such as spam."
        )
    left_out = tuple(name for place, name in enumerate(names) if place not in kept)
    return Outputs(labels, tuple(kept), left_out)


def plain(name: str) -> str:
    """The name in small letters, digits and underscores."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


def _named(name: str, task: str) -> str:
    own = plain(name)
    if own in SPOKEN_OF or (task == SINGLE_LABEL and own in CLEAR):
        return ""
    return KNOWN.get(own, own)
