"""Shows a hostile text to a moderator: escaped, hidden characters made visible, runs of marks cut short.

Words can be highlighted in it, or masked. Only for showing: the stored and scored text stays as it was. The
number of named characters is bounded, for each text and for each page: an element for each would make a page
of megabytes out of a short text.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby

from django.utils.formats import number_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MARKS_SHOWN = 3
"""Combining marks kept on one character: enough for every written language, too few to cover other lines."""
MARKS_OF_A_SYLLABLE = 7
"""The same for scripts that write vowels and consonants as marks, such as those of India and Myanmar."""
NOTES_OF_A_TEXT = 100
NOTES_OF_A_PAGE = 500
CODES_NAMED = 4
"""Different characters of one run that its note names."""
UNNAMED = "\u25af"
"""A white rectangle, which stands for what is not named any more."""

_FLAG = (
    "(?P<flag>\U0001f3f4\U000e0067\U000e0062"
    "(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)"
    "\U000e007f)"
)
"""The flags of England, Scotland and Wales, which are written with tags."""
_ODD_CHARACTERS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"  # soft hyphen, joiners and fillers that show nothing
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, bidirectional controls
    "\u2800\u3164\ufeff\uffa0\ufff0-\ufffb"  # blanks, byte order mark, annotations
    "\ud800-\udfff"  # lone surrogates: no encoding carries them
    "\U000e0000-\U000e0fff"  # tags: text that no font shows
)
_ODD = f"(?:[{_ODD_CHARACTERS}]|[\ufe00-\ufe0f]{{2,}})+"
"""Where one variation selector chooses a glyph, several carry a message."""
_STACKING = (
    "\u0300-\u034e\u0350-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"  # Thai and Lao
)
"""Marks of which no language has more than MARKS_SHOWN on a letter, and which fonts stack without end."""


def _every_mark() -> str:
    """Return the ranges of every combining mark, for a class of a regular expression."""
    marks = [
        point
        for point in range(0x300, 0x20000)  # no mark stands above
        if unicodedata.category(chr(point))[0] == "M" and point != 0x34F
    ]
    ranges = []
    for _offset, run in groupby(enumerate(marks), key=lambda pair: pair[1] - pair[0]):
        points = [point for _place, point in run]
        ranges.append(f"{re.escape(chr(points[0]))}-{re.escape(chr(points[-1]))}")
    return "".join(ranges)


_MARKS = f"[{_STACKING}]{{{MARKS_SHOWN + 1},}}|[{_every_mark()}]{{{MARKS_OF_A_SYLLABLE + 1},}}"
_HIDDEN_OR_MARKS = re.compile(f"{_FLAG}|{_ODD}|(?P<marks>{_MARKS})")
_ONE_OF_THEM = re.compile(f"[{_ODD_CHARACTERS}\ufe00-\ufe0f{_STACKING}{_every_mark()}]")
"""Each run but a flag, which is shown as it stands, has such a character."""
_LOOKED_AT = 1000
"""Characters of a run among which different ones are looked for."""
MARKS_TITLE = gettext_lazy("combining marks not shown")
HIDDEN_TITLE = gettext_lazy("written in characters that show nothing")
_JOINERS = {"\u200c", "\u200d"}
"""Zero-width joiner and non-joiner: proper spelling in many scripts and in emoji, a disguise in others."""
MESSAGE_CHARACTERS = 200
"""Of what is written in characters that show nothing, how much a note reads out."""
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


@dataclass(frozen=True)
class Highlight:
    """A place of a text that stands out."""

    start: int
    end: int
    strength: int
    """3, 2 or 1, the strongest first."""
    spoken: str
    """What a screen reader says behind it."""


def visible(
    text: str,
    notes: Notes | None = None,
    *,
    highlights: Sequence[Highlight] = (),
    masked: Sequence[tuple[int, int]] = (),
) -> SafeString:
    """Return the text as HTML that can neither run, nor reorder, nor overflow, nor hide anything.

    The caller puts it in an isolated element (``<bdi>``) with line breaks kept. notes: shared by what one
    text or page shows; None: NOTES_OF_A_TEXT for this text. Runs beyond them become UNNAMED each, and the
    end says how many characters these are.

    highlights: places in ``<mark>``. masked: (start, end) of words of which all but the first letter become
    asterisks. Both count code points of `text`, in order, never overlapping among themselves; what lies
    outside the text is left out.
    """
    notes = Notes() if notes is None else notes
    if "\r\n" in text:
        place = _without_returns(text)
        highlights = [
            Highlight(place(mark.start), place(mark.end), mark.strength, mark.spoken) for mark in highlights
        ]
        masked = [(place(start), place(end)) for start, end in masked]
        text = text.replace("\r\n", "\n")
    page = _Writer(text, highlights, masked)
    unnamed = 0
    for start, stop, chip in _odd_runs(text):
        if not notes.take():
            page.put(start, stop, UNNAMED)
            unnamed += stop - start
        else:
            page.put(start, stop, chip())
    page.finish()
    if unnamed:
        page.pieces.append(
            _note(f"{UNNAMED} {_grouped(unnamed)}", _("characters that are not named one by one"))
        )
    return mark_safe("".join(page.pieces))  # noqa: S308 - every piece went through escape or format_html


class _Writer:
    """Puts a text together from its plain parts, in which words stand out or are masked, and from notes."""

    def __init__(self, text: str, highlights: Sequence[Highlight], masked: Sequence[tuple[int, int]]) -> None:
        self.pieces: list[str] = []
        self._text = text
        self._highlights = highlights
        self._starts = [mark.start for mark in highlights]
        self._masked = masked
        self._mask_starts = [start for start, _ in masked]
        self._edges = sorted(
            {edge for mark in highlights for edge in (mark.start, mark.end)}
            | {edge for place in masked for edge in place}
        )
        self._end = 0
        self._open: Highlight | None = None

    def put(self, start: int, stop: int, note: str) -> None:
        """Write the plain part up to `start`, and then a note in place of what stands up to `stop`."""
        self._plain(start)
        self._turn_to(start)
        self.pieces.append(note)
        self._end = stop

    def finish(self) -> None:
        """Write the rest."""
        self._plain(len(self._text))
        self._close()

    def _plain(self, stop: int) -> None:
        at = self._end
        while at < stop:
            edge = bisect_right(self._edges, at)
            until = min(stop, self._edges[edge]) if edge < len(self._edges) else stop
            self._turn_to(at)
            self.pieces.append(escape(self._readable(at, until)))
            at = until
        self._end = stop

    def _readable(self, start: int, stop: int) -> str:
        """The part of the text, its letters as asterisks where it lies in a masked word."""
        part = self._text[start:stop]
        number = bisect_right(self._mask_starts, start) - 1
        if number < 0 or start >= self._masked[number][1]:
            return part
        kept = 1 if start == self._masked[number][0] else 0
        return part[:kept] + "".join("*" if character.isalnum() else character for character in part[kept:])

    def _turn_to(self, place: int) -> None:
        """Close the highlight that ends before `place`, and open the one that it lies in."""
        number = bisect_right(self._starts, place) - 1
        here = self._highlights[number] if number >= 0 and place < self._highlights[number].end else None
        if here is not self._open:
            self._close()
            if here is not None:
                self.pieces.append(f'<mark class="moderation-word moderation-word-{here.strength:d}">')
            self._open = here

    def _close(self) -> None:
        if self._open is not None:
            self.pieces += [
                format_html('<span class="visually-hidden"> ({})</span>', self._open.spoken),
                "</mark>",
            ]
        self._open = None


def _without_returns(text: str) -> Callable[[int], int]:
    """Return what gives for a place in the text the one that it has once each CR LF is a line feed."""
    returns = [match.start() for match in re.finditer("\r\n", text)]
    return lambda place: place - bisect_right(returns, place - 1)


def shortened(text: str, limit: int, lines: int) -> tuple[str, bool]:
    """Return the beginning of the text, within these limits, and whether it was cut."""
    start = "\n".join(text[: limit + 1].split("\n", lines)[:lines])[:limit].rstrip()
    return (start, True) if len(start) < len(text.rstrip()) else (text, False)


def _odd_runs(text: str) -> Iterator[tuple[int, int, Callable[[], str]]]:
    """Yield (start, end, what makes the note) of each run that is not shown as it stands, in their order."""
    if not any(map(_may_be_odd, set(text))):  # as of most texts: the long expression need not look for it
        return
    for match in _HIDDEN_OR_MARKS.finditer(text):
        run = match.group()
        if match.lastgroup == "flag":
            continue
        if match.lastgroup == "marks":
            keep = match.start() + MARKS_SHOWN
            yield keep, match.end(), partial(_marks, len(run) - MARKS_SHOWN)
        elif not (run in _JOINERS and not _between_plain_letters(text, match.start())):
            yield match.start(), match.end(), partial(_chip, run)


@lru_cache(maxsize=8192)
def _may_be_odd(character: str) -> bool:
    return _ONE_OF_THEM.match(character) is not None


def hidden_message(run: str) -> str:
    """Read what a run of tags, or of variation selectors that stand for bytes, says; empty where nothing.

    At most MESSAGE_CHARACTERS of it, and no character that hides or reorders in its turn.
    """
    kept = run[: 4 * MESSAGE_CHARACTERS]
    tags = "".join(chr(ord(one) - 0xE0000) for one in kept if 0xE0020 <= ord(one) <= 0xE007E)
    selectors = bytes(
        ord(one) - 0xFE00 if one <= "\ufe0f" else ord(one) - 0xE0100 + 16
        for one in kept
        if "\ufe00" <= one <= "\ufe0f" or 0xE0100 <= ord(one) <= 0xE01EF
    )
    message = tags if len(tags) > 1 else selectors.decode("utf-8", "ignore")
    readable = "".join(one for one in message if one.isprintable())
    is_message = len(readable) > 1 and 2 * len(readable) >= len(message)
    return (
        readable[:MESSAGE_CHARACTERS] + ("\u2026" if len(readable) > MESSAGE_CHARACTERS else "")
        if is_message
        else ""
    )


def _marks(count: int) -> str:
    """Says how many combining marks are left out."""
    return _note(_("+%(count)s marks") % {"count": count}, str(MARKS_TITLE))


def _grouped(number: int) -> str:
    return number_format(number, use_l10n=True, force_grouping=True)


def _chip(run: str) -> str:
    """Names the characters of a run, and says how many it has; or what is written in them."""
    message = hidden_message(run)
    if message:
        return _note(_("hidden: “%(message)s”") % {"message": message}, str(HIDDEN_TITLE))
    kinds = list(dict.fromkeys(run[:_LOOKED_AT]))[:CODES_NAMED]
    codes = ", ".join(f"U+{ord(character):04X}" for character in kinds)
    is_all = len(run.strip("".join(kinds))) == 0
    times = f" \u00d7 {_grouped(len(run))}" if len(run) > 1 else ""
    names = [unicodedata.name(character, _("character without a name")).lower() for character in kinds]
    more = "" if is_all else ", \u2026"
    return _note(f"{codes}{more}{times}", ", ".join(names) + more)


def _note(text: str, title: str) -> str:
    return format_html('<span class="moderation-hidden-character" title="{}">{}</span>', title, text)


def _between_plain_letters(text: str, at: int) -> bool:
    neighbours = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    names = [unicodedata.name(character, "") for character in neighbours]
    return not any(names) or any(name.startswith(_PLAIN_SCRIPTS) for name in names)
