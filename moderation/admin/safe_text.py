"""Shows a hostile text to a moderator: escaped, hidden characters made visible, runs of marks cut short.

Only for showing: the stored and scored text stays as it was. The number of named characters is bounded, for
each text and for each page: an element for each would make a page of megabytes out of a short text.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

MARKS_SHOWN = 3
"""Combining marks kept on one character: enough for every written language, too few to cover other lines."""
NOTES_OF_A_TEXT = 100
NOTES_OF_A_PAGE = 500
CODES_NAMED = 4
"""Different characters of one run that its note names."""
UNNAMED = "\u25af"
"""A white rectangle, which stands for what is not named any more."""

_ODD = (
    "(?:["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"  # soft hyphen, joiners and fillers that show nothing
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, bidirectional controls
    "\u2800\u3164\ufeff\uffa0\ufff0-\ufffb"  # blanks, byte order mark, annotations
    "\ud800-\udfff"  # lone surrogates: no encoding carries them
    "\U000e0000-\U000e0fff"  # tags: text that no font shows
    "]+)"
)
_MARKS = (
    "[\u0300-\u034e\u0350-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
    f"{{{MARKS_SHOWN + 1},}}"
)
_HIDDEN_OR_MARKS = re.compile(f"{_ODD}|(?P<marks>{_MARKS})")
_LOOKED_AT = 1000
"""Characters of a run among which different ones are looked for."""
MARKS_TITLE = "combining marks not shown"
_JOINERS = {"\u200c", "\u200d"}
"""Zero-width joiner and non-joiner: proper spelling in many scripts and in emoji, a disguise in others."""
_PLAIN_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "DIGIT")


class Notes:
    """Counts how many more notes a text may have, or all texts of a page together."""

    def __init__(self, most: int = NOTES_OF_A_TEXT, of_page: "Notes | None" = None) -> None:
        self._left = most
        self._of_page = of_page

    @classmethod
    def of_a_page(cls) -> "Notes":
        return cls(NOTES_OF_A_PAGE)

    def for_a_text(self) -> "Notes":
        """Return the count for one text of this page."""
        return Notes(NOTES_OF_A_TEXT, of_page=self)

    def take(self) -> bool:
        """Count one more note; True where it was allowed."""
        if self._left <= 0 or not (self._of_page is None or self._of_page.take()):
            return False
        self._left -= 1
        return True


def visible(text: str, notes: Notes | None = None) -> SafeString:
    """Return the text as HTML that can neither run, nor reorder, nor overflow, nor hide anything.

    The caller puts it in an isolated element (``<bdi>``) with line breaks kept. notes: shared by what one
    text or page shows; None: NOTES_OF_A_TEXT for this text. Runs beyond them become UNNAMED each, and the
    end says how many characters these are.
    """
    notes = Notes() if notes is None else notes
    text = text.replace("\r\n", "\n")
    pieces: list[str] = []
    end = unnamed = 0
    for start, stop, chip in _odd_runs(text):
        if not notes.take():
            pieces += [escape(text[end:start]), UNNAMED]
            unnamed += stop - start
        else:
            pieces += [escape(text[end:start]), chip()]
        end = stop
    pieces.append(escape(text[end:]))
    if unnamed:
        pieces.append(_note(f"{UNNAMED} {unnamed:,}", _("characters that are not named one by one")))
    return mark_safe("".join(pieces))  # noqa: S308 - every piece went through escape or format_html


def shortened(text: str, limit: int, lines: int) -> tuple[str, bool]:
    """Return the beginning of the text, within these limits, and whether it was cut."""
    start = "\n".join(text[: limit + 1].split("\n", lines)[:lines])[:limit].rstrip()
    return (start, True) if len(start) < len(text.rstrip()) else (text, False)


def _odd_runs(text: str) -> Iterator[tuple[int, int, Callable[[], str]]]:
    """Yield (start, end, what makes the note) of each run that is not shown as it stands, in their order."""
    for match in _HIDDEN_OR_MARKS.finditer(text):
        run = match.group()
        if match.lastgroup == "marks":
            keep = match.start() + MARKS_SHOWN
            yield keep, match.end(), partial(_note, f"+{len(run) - MARKS_SHOWN} marks", MARKS_TITLE)
        elif not (run in _JOINERS and not _between_plain_letters(text, match.start())):
            yield match.start(), match.end(), partial(_chip, run)


def _chip(run: str) -> str:
    """Names the characters of a run, and says how many it has."""
    kinds = list(dict.fromkeys(run[:_LOOKED_AT]))[:CODES_NAMED]
    codes = ", ".join(f"U+{ord(character):04X}" for character in kinds)
    is_all = len(run.strip("".join(kinds))) == 0
    times = f" \u00d7 {len(run):,}" if len(run) > 1 else ""
    names = [unicodedata.name(character, "character without a name").lower() for character in kinds]
    more = "" if is_all else ", \u2026"
    return _note(f"{codes}{more}{times}", ", ".join(names) + more)


def _note(text: str, title: str) -> str:
    return format_html('<span class="moderation-hidden-character" title="{}">{}</span>', title, text)


def _between_plain_letters(text: str, at: int) -> bool:
    neighbours = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    names = [unicodedata.name(character, "") for character in neighbours]
    return not any(names) or any(name.startswith(_PLAIN_SCRIPTS) for name in names)
