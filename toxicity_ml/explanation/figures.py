"""Attention as PNG images. matplotlib through its objects only, so that no display or global state is
needed."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from toxicity_ml.errors import DataError

if TYPE_CHECKING:
    from toxicity_ml.explanation.network import Attention

_INK = (0x2A / 255, 0x78 / 255, 0xD6 / 255)
_MISSING = "\u25a1"
"""Stands for a character that the font has no sign for."""


def attention_png(attention: "Attention", layer: int | None = None, head: int | None = None) -> bytes:
    """PNG of one head's weights with its tokens; or, without layer and head, of all heads of all layers.

    Counted from 0. Raises DataError for a head that isn't there.
    """
    if layer is None and head is None:
        return _all_heads(attention)
    if layer is None or head is None:
        raise DataError("Give both a layer and a head, or neither for all of them.")
    from matplotlib.figure import Figure

    weights = attention.head(layer, head)
    tokens = _drawable(attention.tokens)
    side = max(4.0, 0.17 * len(tokens) + 1.8)
    figure = Figure(figsize=(side + 0.8, side), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(weights, cmap="Blues", vmin=0.0, interpolation="nearest")
    places = range(len(tokens))
    axes.set_xticks(places, tokens, rotation=90, fontsize=8, parse_math=False)
    axes.set_yticks(places, tokens, fontsize=8, parse_math=False)
    axes.tick_params(length=0)
    axes.set_xlabel("looked at")
    axes.set_ylabel("token")
    axes.set_title(
        f"Layer {layer}, head {head}: mostly {main_target(weights, tokens)}", fontsize=10, parse_math=False
    )
    figure.colorbar(image, ax=axes, shrink=0.6, label="weight")
    return _saved(figure)


def head_image(weights: np.ndarray) -> bytes:
    """PNG with a pixel for each weight: one colour, transparent at 0, opaque at the head's largest weight, so
    that it shows on light and dark. weights: float (n_tokens, n_tokens)."""
    from matplotlib.image import imsave

    colours = np.empty((*weights.shape, 4))
    colours[..., :3] = _INK
    colours[..., 3] = _scaled(weights)
    buffer = io.BytesIO()
    imsave(buffer, colours, format="png")
    return buffer.getvalue()


def main_target(weights: np.ndarray, tokens: Sequence[str]) -> str:
    """Where a head mostly looks, and the share of its weight that goes there: one token, or a neighbour (the
    kinds of Clark et al. 2019, "What Does BERT Look At?", section 3). weights: float (n_tokens, n_tokens)."""
    count = len(weights)
    column = int(weights.mean(axis=0).argmax())
    shares = {
        tokens[column]: weights[:, column].mean(),
        "itself": np.trace(weights) / count,
        "the one before": np.trace(weights, offset=-1) / count,
        "the one after": np.trace(weights, offset=1) / count,
    }
    target = max(shares, key=lambda name: shares[name])
    if shares[target] < 0.3:
        return "spread"
    return f"{target} {100 * shares[target]:.0f}\u00a0%"


def _all_heads(attention: "Attention") -> bytes:
    from matplotlib.figure import Figure

    layers, heads = attention.weights.shape[:2]
    tokens = _drawable(attention.tokens)
    figure = Figure(figsize=(1.3 * heads + 0.6, 1.5 * layers + 0.6), dpi=120, layout="constrained")
    grid: Any = figure.subplots(layers, heads, squeeze=False)
    for layer in range(layers):
        for head in range(heads):
            axes = grid[layer, head]
            weights = attention.head(layer, head)
            axes.imshow(_scaled(weights), cmap="Blues", vmin=0.0, vmax=1.0, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(
                f"{layer}.{head} {main_target(weights, tokens)}", fontsize=5.5, pad=2, parse_math=False
            )
    figure.suptitle("Each map is one layer.head: rows are tokens, columns what they look at", fontsize=9)
    return _saved(figure)


def _scaled(weights: np.ndarray) -> np.ndarray:
    """0 to 1 of the head's largest weight, by the square root, so that a head that looks at many tokens
    shows them."""
    scaled: np.ndarray = np.sqrt(weights / max(float(weights.max()), 1e-9))
    return scaled


def _drawable(tokens: Sequence[str]) -> list[str]:
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    return ["".join(sign if ord(sign) in known else _MISSING for sign in token) for token in tokens]


def _saved(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
