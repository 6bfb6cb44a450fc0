"""Reads labelled texts into a ``datasets.Dataset`` of (text, labels, weight), and splits it; trains nothing.

A label cell may be 0, 1, a probability between them, or empty: an empty label was not looked at and is
masked in training and evaluation. So an export of reviewed comments, a text column and one per label with the
unjudged cells left empty, is read as it is.
"""

from toxicity_ml.corpora.labelling import BY_NAME, SST2_CLASSES, TEXT_COLUMNS, Columns
from toxicity_ml.corpora.loading import from_rows, load, read, texts
from toxicity_ml.corpora.prevalence import natural_weights, weighted
from toxicity_ml.corpora.splitting import folded, split, text_key

__all__ = [
    "BY_NAME",
    "SST2_CLASSES",
    "TEXT_COLUMNS",
    "Columns",
    "folded",
    "from_rows",
    "load",
    "natural_weights",
    "read",
    "split",
    "text_key",
    "texts",
    "weighted",
]
