"""Training texts of our own that mend known failures: groups of people in friendly sentences, reported
insults, benign uses of strong words, malice and threats without strong words. Composed from ``phrases/``.
"""

from typing import TYPE_CHECKING

from toxicity_ml.augmentation.phrases.composing import FAMILIES, GROUP_SHARE, TOXIC_SHARE, composed
from toxicity_ml.corpora import from_rows, text_key

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["FAMILIES", "GROUP_SHARE", "SAMPLE", "TOXIC_SHARE", "counterexamples"]

SAMPLE = "counterexample"


def counterexamples(count: int, seed: int = 0, *, held_out: bool = False) -> "Dataset":
    """Compose ``count`` texts with their labels, all different once case and punctuation are folded.

    Toxic and clear texts share their insults, groups, surroundings, lengths, case and punctuation, so that
    none of these tells the label; each group is named about equally often, in either. Labels on which people
    would not agree are masked.

    held_out: draw from templates, groups and insults that are never used otherwise, and from families of
    which nothing else is, to test what was learnt from the others.

    Returns rows as :func:`toxicity_ml.corpora.load` does, over JIGSAW_LABELS; ``sample`` is "counterexample"
    and the family's name, ``source`` the template's key, so that ``corpora.split`` keeps a template on one
    side. The same seed gives the same rows. Raises ValueError when the phrases give fewer texts.
    """
    return from_rows(
        {
            "text": text,
            "labels": family.labels,
            "sample": f"{SAMPLE} {family.name}",
            "source": text_key(template),
        }
        for text, family, template in composed(count, seed, held_out=held_out, key=text_key)
    )
