"""HTML out of figures and of hostile texts: everything is escaped here, and nothing stays invisible."""

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

TOO_FEW = "<i>too few</i>"
UNDEFINED = '<span title="undefined">&ndash;</span>'
_MARKS_SHOWN = 3
"""Combining marks in a row: more of them cover the lines around."""
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u2800\u3164\uffa0"
"""Characters that show nothing though their category is that of a letter or a mark."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Markup(str):
    """HTML that is safe as it stands."""


def escaped(value: object) -> Markup:
    """The value as text of a page, unless it is markup already."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


def visible(text: str, marked: tuple[int, int] | None = None) -> Markup:
    """A comment that can neither run, reorder nor hide anything: hidden characters show as their code.

    marked: (start, end) of a word to highlight. Line breaks stay, for a style that keeps them.
    """
    if marked is None or marked[0] >= marked[1]:
        return Markup(f"<bdi>{_shown(text)}</bdi>")
    start, end = marked
    parts = (_shown(text[:start]), f"<mark>{_shown(text[start:end])}</mark>", _shown(text[end:]))
    return Markup(f"<bdi>{''.join(parts)}</bdi>")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], caption: str = "") -> Markup:
    """A table whose first column names the row, and which scrolls sideways where it must."""
    top = "".join(f"<th scope=col>{escaped(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr><th scope=row>{escaped(row[0])}</th>" + "".join(_cell(value) for value in row[1:]) + "</tr>"
        for row in rows
    )
    title = f"<caption>{escaped(caption)}</caption>" if caption else ""
    return Markup(
        f'<div class="wide" tabindex=0><table>{title}<thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def figure(
    found: Mapping[str, float] | None, too_few: bool = False, places: int = 3, sign: str = ""
) -> Markup:
    """A value with its interval; *too few* or a dash where there is none."""
    if found is None:
        return Markup(TOO_FEW if too_few else UNDEFINED)
    value, low, high = (format(found[key], f"{sign}.{places}f") for key in ("value", "low", "high"))
    return Markup(f"{value} <small>[{low}, {high}]</small>")


def share(found: Mapping[str, float] | None, too_few: bool = False) -> Markup:
    """A share as a cell that is the darker the larger it is."""
    if found is None:
        return figure(None, too_few)
    inner = figure(found, places=2)
    return Markup(f'<span class="share" style="--share:{found["value"]:.3f}">{inner}</span>')


def section(title: str, *parts: object, name: str = "", level: int = 2) -> Markup:
    """A heading and what stands under it."""
    anchor = f" id={name}" if name else ""
    return Markup(
        f"<section{anchor}><h{level}>{escaped(title)}</h{level}>{''.join(map(escaped, parts))}</section>"
    )


def paragraph(*parts: object) -> Markup:
    return Markup(f"<p>{''.join(map(escaped, parts))}</p>")


def folded(title: str, *parts: object) -> Markup:
    """Fold what only some readers want; closed at first."""
    return Markup(f"<details><summary>{escaped(title)}</summary>{''.join(map(escaped, parts))}</details>")


def panels(figures: Iterable[tuple[str, str]]) -> Markup:
    """Captioned figures beside each other, as many as the width takes. figures: (caption, SVG)."""
    shown = (f"<figure><figcaption>{escaped(caption)}</figcaption>{svg}</figure>" for caption, svg in figures)
    return Markup(f'<div class="panels">{"".join(shown)}</div>')


def _cell(value: Any) -> str:
    shown = escaped(f"{value:,}" if isinstance(value, int) else value)
    numeric = isinstance(value, int) or (isinstance(value, Markup) and value[:1] in "0123456789+-<")
    style = " class=n" if numeric else " class=sentence" if len(shown) > 30 else ""
    return f"<td{style}>{shown}</td>"


def _shown(text: str) -> str:
    pieces: list[str] = []
    marks = 0
    for match in re.finditer(r"(.)\1*", text.replace("\r\n", "\n"), re.DOTALL):  # runs of one character
        character, run = match.group(1), match.group()
        marks = marks + len(run) if unicodedata.combining(character) else 0
        if character not in "\n\t" and (unicodedata.category(character) in _HIDDEN or character in _FILLERS):
            times = f" \u00d7{len(run):,}" if len(run) > 1 else ""
            pieces.append(f'<span class="hidden-character">U+{ord(character):04X}{times}</span>')
        else:
            shown = max(0, len(run) - max(0, marks - _MARKS_SHOWN)) if marks else len(run)
            pieces.append(html.escape(run[:shown]))
    return "".join(pieces)
