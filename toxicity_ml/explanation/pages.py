"""Attributions and attention as pages that need nothing beside themselves, and as coloured text.

Everything that comes from a text is escaped, and signs that would steer a terminal or a page are replaced.
"""

import base64
import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from toxicity_ml.errors import DataError
from toxicity_ml.explanation.attribution import Attribution, Word
from toxicity_ml.explanation.figures import head_image, main_target

if TYPE_CHECKING:
    from rich.text import Text

    from toxicity_ml.explanation.network import Attention

_LISTED = 25
"""Words in the table of an attribution."""
_LEVELS = 20
"""Shades of a cell."""
_ZERO_WIDTH_JOINER = "\u200d"
_METHOD = {
    "occlusion": "words taken out in several orders (sampled Shapley values)",
    "leave_one_out": "one word taken out at a time",
    "integrated_gradients": "integrated gradients",
}
_STYLE = """
:root{color-scheme:light dark;--page:#fcfcfb;--ink:#1a1a19;--soft:#5f5e58;--line:#1a1a1922;
--for:#d03b3b;--against:#2a78d6;--look:#1c5cab}
@media(prefers-color-scheme:dark){:root{--page:#1a1a19;--ink:#f4f3ee;--soft:#b3b1a8;--line:#ffffff26;
--for:#e66767;--against:#3987e5;--look:#86b6ef}}
body{font:16px/1.6 system-ui,sans-serif;background:var(--page);color:var(--ink);
margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem;font-weight:600;margin:0}p{margin:.4rem 0}.soft{color:var(--soft);font-size:.85rem}
"""
_ATTRIBUTION_STYLE = """
body{max-width:46rem}
.text{white-space:pre-wrap;overflow-wrap:anywhere;font-size:1.1rem;line-height:1.9;padding:1rem 0;
border-block:1px solid var(--line);margin:1rem 0}
mark{color:inherit;background:color-mix(in srgb,var(--side) var(--part),transparent);
border-radius:.2em;padding:.1em 0}
.for{--side:var(--for)}.against{--side:var(--against)}
table{border-collapse:collapse;width:100%}th{font-weight:400;color:var(--soft);font-size:.85rem;text-align:left}
td,th{padding:.15rem .5rem;border-bottom:1px solid var(--line)}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.word{overflow-wrap:anywhere;max-width:16rem}td.bar{width:45%}
td.bar i{display:block;height:.7em;width:var(--part);background:var(--side);border-radius:0 .2em .2em 0}
"""
_ATTENTION_STYLE = """
body{max-width:max-content}.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.8rem;margin-top:1rem}
th{font-weight:400;white-space:pre;text-align:right;padding:0 .4rem;position:sticky;left:0;
background:var(--page)}
thead th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;padding:.4rem 0;position:static}
td{min-width:1.1rem;width:1.1rem;height:1.1rem;padding:0;border:1px solid var(--page);
background:color-mix(in srgb,var(--look) var(--part),transparent)}
.heads{display:grid;gap:.8rem .6rem;margin-top:1rem}
figure{margin:0}figure img{width:100%;image-rendering:pixelated;border:1px solid var(--line);display:block}
figcaption{font-size:.7rem;line-height:1.3;color:var(--soft);margin-top:.15rem}
ol{columns:10rem;font-size:.8rem;padding-left:2.2rem}li{break-inside:avoid}
"""


def attribution_html(attribution: Attribution) -> str:
    """A page: the text with its words shaded red where they speak for the label and blue where against,
    the strongest words in a table, and what their sum was checked against."""
    found = attribution
    largest = max((abs(word.value) for word in found.words), default=0.0)
    marked = "".join(
        _escaped(piece) if word is None else _marked(word, largest) for piece, word in _pieces(found)
    )
    strongest = sorted(found.words, key=lambda word: -abs(word.value))[:_LISTED]
    rows = "".join(
        f'<tr><td class="word"><bdi>{_escaped(word.text)}</bdi></td>'
        f'<td class="number">{word.value:+.2f}</td>'
        f'<td class="bar {_side(word)}"><i style="--part:{100 * _share(word, largest):.0f}%"></i></td>'
        f'<td class="number">{word.start}\u2013{word.end}</td></tr>'
        for word in strongest
    )
    table = (
        '<table><thead><tr><th>Word</th><th class="number">Log-odds</th><th></th>'
        f'<th class="number">Place</th></tr></thead><tbody>{rows}</tbody></table>'
        if rows
        else "<p>The text has no word that the model reads.</p>"
    )
    body = (
        f"<h1>{_escaped(found.label)} {found.score:.3f}</h1>"
        f'<p class="soft">{_escaped(found.version)}, {_METHOD[found.method]}. '
        "Red speaks for the label, blue against it.</p>"
        f'<div class="text" dir="auto">{marked}</div>{table}'
        f'<p class="soft">{html.escape(sum_line(found))}</p>'
    )
    return _page(f"{found.label}: what the score rests on", _ATTRIBUTION_STYLE, body)


def attribution_text(attribution: Attribution) -> "Text":
    """The same for a terminal, as rich's Text: bold on red for the label, on blue against it, only words
    that carry a tenth of the strongest one; ``.plain`` is the text without colours."""
    from rich.text import Text

    largest = max((abs(word.value) for word in attribution.words), default=0.0)
    text = Text()
    for piece, word in _pieces(attribution):
        share = 0.0 if word is None else _share(word, largest)
        if word is None or share < 0.1:
            text.append(harmless(piece))
            continue
        colour = "red" if word.value > 0 else "blue"
        weight = "bold " if share >= 0.5 else ""
        text.append(harmless(piece), f"{weight}white on {colour}" if share >= 0.25 else f"underline {colour}")
    return text


def sum_line(attribution: Attribution) -> str:
    """The words' sum, what it was checked against, and how it came out; first, what was explained."""
    found = attribution
    way = _explained_window(found.windows) + (
        f"The log-odds are {found.logit:.2f}, against {found.baseline:.2f} for the baseline: a way of "
        f"{found.logit - found.baseline:+.2f}. The words sum to {found.total:+.2f}"
    )
    if found.is_complete is None:
        return f"{way}; leaving out one word at a time promises no sum."
    if found.is_complete:
        return f"{way}, which is the way to within {max(abs(found.error), 5e-4):.3f}."
    return f"{way}, which is off by {found.error:+.2f}: do not trust these values, or take more steps."


def attention_html(attention: "Attention", layer: int | None = None, head: int | None = None) -> str:
    """A page with one head's weights, each row a token and what it looks at; or, without layer and head, all
    heads of all layers. Counted from 0. Raises DataError for a head that isn't there."""
    if layer is None and head is None:
        return _all_heads_page(attention)
    if layer is None or head is None:
        raise DataError("Give both a layer and a head, or neither for all of them.")
    weights = attention.head(layer, head)
    largest = float(weights.max())
    tokens = [_escaped(token) for token in attention.tokens]
    shades = (weights / largest * _LEVELS).round().astype(int)
    rows = []
    for row, token in enumerate(tokens):
        cells = "".join(
            f'<td class="s{shades[row, column]}"'
            + (f' title="{token} \u2192 {tokens[column]}: {weights[row, column]:.2f}"' if is_seen else "")
            + "></td>"
            for column, is_seen in enumerate(weights[row] >= 0.05)
        )
        rows.append(f"<tr><th scope='row'>{token}</th>{cells}</tr>")
    heads = "".join(f"<th scope='col'>{token}</th>" for token in tokens)
    shade_style = "".join(f".s{level}{{--part:{100 * level // _LEVELS}%}}" for level in range(_LEVELS + 1))
    body = (
        f"<h1>Layer {layer}, head {head}</h1>"
        f'<p class="soft">{_escaped(attention.version)}. A row is a token and where it looks; the strongest '
        f"cell is {largest:.2f}. Mostly {_escaped(main_target(weights, attention.tokens))}. "
        f"{_shown_window(attention)}</p>"
        f'<div class="wide"><table><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    return _page(f"Attention of layer {layer}, head {head}", _ATTENTION_STYLE + shade_style, body)


def _all_heads_page(attention: "Attention") -> str:
    layers, heads = attention.weights.shape[:2]
    figures = []
    for layer in range(layers):
        for head in range(heads):
            weights = attention.head(layer, head)
            image = base64.b64encode(head_image(weights)).decode("ascii")
            target = _escaped(main_target(weights, attention.tokens))
            figures.append(
                f'<figure><img alt="Layer {layer}, head {head}" src="data:image/png;base64,{image}">'
                f"<figcaption>{layer}.{head} {target}</figcaption></figure>"
            )
    tokens = "".join(f"<li>{_escaped(token)}</li>" for token in attention.tokens)
    body = (
        f"<h1>{layers} layers of {heads} heads</h1>"
        f'<p class="soft">{_escaped(attention.version)}. One map for each layer.head: rows are tokens from '
        "top to bottom, columns what they look at; each map has its own scale. Under it, where the head "
        f"mostly looks, with the share of its weight. {_shown_window(attention)}</p>"
        '<div class="wide"><div class="heads" '
        f'style="grid-template-columns:repeat({heads},minmax(4.5rem,1fr))">{"".join(figures)}</div></div>'
        f'<ol start="0">{tokens}</ol>'
    )
    return _page("Attention of all heads", _ATTENTION_STYLE, body)


def harmless(text: str) -> str:
    """The text with every sign that isn't printed (controls, direction marks, halves of surrogate pairs) as
    U+FFFD; line breaks, tabs and what joins an emoji stay."""
    return "".join(
        sign
        if sign.isprintable() or sign in ("\n", "\t", _ZERO_WIDTH_JOINER)
        else " "
        if sign.isspace()
        else "\ufffd"
        for sign in text
    )


def _shown_window(attention: "Attention") -> str:
    if attention.windows < 2 or attention.label is None:
        return ""
    return f"Shown is the one of {attention.windows} windows that is highest for {_escaped(attention.label)}."


def _explained_window(windows: int) -> str:
    if windows < 2:
        return ""
    return (
        f"The model reads this text in {windows} windows, and the highest for the label is explained here; "
        "the score is what all of them say together. "
    )


def _escaped(text: str) -> str:
    return html.escape(harmless(text))


def _pieces(attribution: Attribution) -> Iterator[tuple[str, Word | None]]:
    """The whole text in pieces: a word with its value, or what stands between words."""
    end = 0
    for word in attribution.words:
        if word.start > end:
            yield attribution.text[end : word.start], None
        yield word.text, word
        end = word.end
    if end < len(attribution.text):
        yield attribution.text[end:], None


def _marked(word: Word, largest: float) -> str:
    part = 65 * _share(word, largest)  # never so dark that the word itself is hard to read
    if part < 1:
        return _escaped(word.text)
    return (
        f'<mark class="{_side(word)}" style="--part:{part:.0f}%" title="{word.value:+.2f}">'
        f"{_escaped(word.text)}</mark>"
    )


def _side(word: Word) -> str:
    return "for" if word.value > 0 else "against"


def _share(word: Word, largest: float) -> float:
    return abs(word.value) / largest if largest > 0 else 0.0


def _page(title: str, style: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}{style}</style><body>{body}</body></html>\n"
    )
