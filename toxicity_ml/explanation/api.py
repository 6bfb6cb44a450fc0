"""What a score rests on: the part of each word in it, and where the attention heads look.

Neither is a proof. An attribution says what the score would have been without a word, or how the network's
gradient splits it; attention says what a head read, not what the score was made of (Jain & Wallace 2019).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from toxicity_ml.classifier import PRETRAINED, Classifier
from toxicity_ml.errors import DataError
from toxicity_ml.explanation.attribution import (
    Attribution,
    Word,
    checked_label,
    deciding_label,
    occlude,
)
from toxicity_ml.explanation.figures import attention_png
from toxicity_ml.explanation.pages import attention_html, attribution_html, attribution_text, sum_line
from toxicity_ml.explanation.passages import driving_words
from toxicity_ml.explanation.words import read, whole_words
from toxicity_ml.extras import naming_the_extra
from toxicity_ml.inputs import as_text
from toxicity_ml.scorer import Scorer

if TYPE_CHECKING:
    from toxicity_ml.explanation.network import Attention

__all__ = [
    "METHODS",
    "Attribution",
    "Word",
    "attention",
    "attention_html",
    "attention_png",
    "attribute",
    "attribution_html",
    "attribution_text",
    "driving_words",
    "sum_line",
]

METHODS = ("occlusion", "integrated_gradients", "leave_one_out")


def attribute(
    model_dir: str | Path | None,
    text: str,
    label: str | None = None,
    method: str = "occlusion",
    *,
    classifier: Scorer | None = None,
    orders: int | None = None,
    steps: int = 64,
    baseline: str = "[MASK]",
    seed: int = 0,
    progress: bool = False,
) -> Attribution:
    """Each word's part in a label's score, in log-odds before calibration.

    model_dir: a model version directory; None is the packaged one. label: None takes the one that is
    furthest over its threshold. Of a text that the model reads in several windows, the one that is highest
    for the label is explained; its ``score`` is what all of them say together.

    ``occlusion`` takes words out of the text in ``orders`` orders (None: 8, fewer for a long text) and asks
    the served int8 network, so it needs neither torch nor gradients; its sum is the way from the text to an
    empty one exactly.
    ``leave_one_out`` takes out one word at a time: the fastest, but a word beside another of the same kind
    gets little, and nothing is said about the sum. ``integrated_gradients`` (Sundararajan et al. 2017)
    follows the torch network's gradient from ``baseline`` tokens ([MASK] or [PAD]) to the text's in ``steps``
    steps, doubled up to 16 times as many until the sum is close; ask ``is_complete`` whether it came to be.

    classifier: a loaded Classifier of this directory, or an Ensemble that it is a member of, to be asked
    instead of loading one. orders, seed: of ``occlusion``. progress: show a bar on stderr.

    Raises DataError for an unknown label, method or baseline, ModelNotFound or ModelDamaged for the version,
    TypeError for a text that is not a str, MissingExtra for a method whose libraries are not installed.
    """
    as_text(text, "attribute")
    directory = PRETRAINED if model_dir is None else Path(model_dir)
    if method not in METHODS:
        raise DataError(f"There is no method {method!r}; there are {', '.join(METHODS)}.")
    if (orders is not None and orders < 1) or steps < 1:
        raise DataError("orders and steps must be at least 1.")
    scorer: Scorer = classifier if classifier is not None else Classifier.load(directory)
    if label is None:
        label = deciding_label(scorer, text)
    checked_label(scorer.labels, label)
    if method == "integrated_gradients":
        with naming_the_extra():
            from toxicity_ml.explanation.network import integrate

            return integrate(directory, scorer, text, label, steps=steps, baseline=baseline)
    reading = read(directory, text)
    return occlude(
        scorer,
        text,
        label,
        [whole_words(reading.words, window) for window in reading.windows],
        windows=reading.count,
        method=method,
        orders=orders,
        seed=seed,
        progress=progress,
    )


def attention(model_dir: str | Path | None, text: str, label: str | None = None) -> "Attention":
    """The attention weights of all layers and heads, from the torch weights of a version.

    Of a text that the model reads in several windows: the one that is highest for the label (None: for the
    label that is furthest over its threshold). Raises DataError for an unknown label or a text without any
    token, ModelNotFound or ModelDamaged for the version, TypeError for a text that is not a str,
    MissingExtra without torch.
    """
    as_text(text, "attention")
    directory = PRETRAINED if model_dir is None else Path(model_dir)
    with naming_the_extra():
        from toxicity_ml.explanation.network import read_attention

        return read_attention(directory, text, label)
