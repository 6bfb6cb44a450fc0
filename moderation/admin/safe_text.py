"""Shows a hostile text to a moderator: escaped, hidden characters made visible, runs of marks cut short.

Only for showing. What is stored and scored stays as it was.
"""

import re
import unicodedata

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

MARKS_SHOWN = 3
"""Combining marks kept on one character: enough for every written language, too few to cover other lines."""

_ODD = re.compile(
    "(["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"  # soft hyphen, joiners and fillers that show nothing
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, bidirectional controls
    "\u2800\u3164\ufeff\uffa0\ufff0-\ufffb"  # blanks, byte order mark, annotations
    "\ud800-\udfff"  # lone surrogates: no encoding carries them
    "\U000e0000-\U000e0fff"  # tags: text that no font shows
    r"])\1*"
)
_MARKS = re.compile(
    f"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{MARKS_SHOWN + 1},}}"
)
_JOINERS = {"\u200c", "\u200d"}
"""Zero-width joiner and non-joiner: proper spelling in many scripts and in emoji, a disguise in others."""
_PLAIN_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "DIGIT")


def visible(text: str) -> SafeString:
    """The text as HTML that can neither run, nor reorder, nor overflow, nor hide anything.

    The caller puts it in an isolated element (``<bdi>``) with line breaks kept.
    """
    text = text.replace("\r\n", "\n")
    pieces: list[str] = []
    end = 0
    for match in _ODD.finditer(text):
        if match.group() in _JOINERS and not _between_plain_letters(text, match.start()):
            continue
        pieces += [_marks_cut(text[end : match.start()]), _chip(match.group()[0], len(match.group()))]
        end = match.end()
    pieces.append(_marks_cut(text[end:]))
    return mark_safe("".join(pieces))  # noqa: S308 - every piece went through escape or format_html


def shortened(text: str, limit: int, lines: int) -> tuple[str, bool]:
    """The beginning of the text, at most so many characters and lines, and whether anything was left out."""
    start = "\n".join(text[: limit + 1].split("\n", lines)[:lines])[:limit].rstrip()
    return (start, True) if len(start) < len(text.rstrip()) else (text, False)


def _marks_cut(text: str) -> str:
    pieces: list[str] = []
    end = 0
    for match in _MARKS.finditer(text):
        keep = match.start() + MARKS_SHOWN
        pieces += [escape(text[end:keep]), _note(f"+{match.end() - keep} marks", "combining marks not shown")]
        end = match.end()
    pieces.append(escape(text[end:]))
    return "".join(pieces)


def _chip(character: str, times: int) -> str:
    code = f"U+{ord(character):04X}" + (f" \u00d7 {times:,}" if times > 1 else "")
    return _note(code, unicodedata.name(character, "character without a name").lower())


def _note(text: str, title: str) -> str:
    return format_html('<span class="moderation-hidden-character" title="{}">{}</span>', title, text)


def _between_plain_letters(text: str, at: int) -> bool:
    neighbours = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    names = [unicodedata.name(character, "") for character in neighbours]
    return not any(names) or any(name.startswith(_PLAIN_SCRIPTS) for name in names)
