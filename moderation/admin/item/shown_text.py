"""What an item shows of its text: a preview, a part or the whole, with what is marked and masked in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from moderation.admin.display.label_names import label_name
from moderation.admin.display.safe_text import Highlight, Notes, shortened, visible
from moderation.screening.disguises import Disguise, disguise_in, swear_words_in
from moderation.screening.driving import DrivingWord, DrivingWords

PREVIEW_CHARACTERS = 500
PREVIEW_LINES = 8
UNFOLDED_CHARACTERS = 5000
"""What a click in the list unfolds; longer texts are read on the item's own page."""
PART_CHARACTERS = 20_000
"""What an item's own page shows of a text at a time."""
NAMED_WORDS, NAMED_CHARACTERS = 5, 60
"""How many marked words are named below a text, and how much of each."""
BEFORE_THE_FIRST = 80
"""Characters of a preview that stand before the first marked word."""


@dataclass
class ShownText:
    """A text as an item shows it."""

    whole: str
    notes: Notes = field(default_factory=Notes)
    """How many hidden characters of the text may still be named."""
    part: int | None = None
    """On an item's own page: which part of the text it shows, from 1 on; None: its beginning, in a list."""
    driving: DrivingWords | None = None
    """The words to mark, where somebody asked for them."""
    masks: bool = False
    """True: swear words are shown as asterisks."""

    # --- what is shown --------------------------------------------------------------------------

    @property
    def is_blank(self) -> bool:
        return not self.whole.strip()

    @property
    def characters(self) -> int:
        return len(self.whole)

    @cached_property
    def preview(self) -> tuple[str, bool]:
        """What is shown, and whether text is left out behind it."""
        if self.part is not None:
            return self.whole[self.part_start : self.part_end], False
        return shortened(self.whole[self.start :], PREVIEW_CHARACTERS, PREVIEW_LINES)

    @cached_property
    def start(self) -> int:
        """Return where in the text the preview begins: shortly before the first word to mark."""
        if self.part is not None:
            return self.part_start
        beginning, is_cut = shortened(self.whole, PREVIEW_CHARACTERS, PREVIEW_LINES)
        first = self._words[0].start if self._words else 0
        if not is_cut or first < len(beginning):
            return 0
        before = max(0, first - BEFORE_THE_FIRST)
        gap = self.whole.find(" ", before, first)
        return gap + 1 if gap >= 0 else before

    @cached_property
    def html(self) -> SafeString:
        return self._visible(self.preview[0], self.start)

    @property
    def is_shortened(self) -> bool:
        return self.preview[1]

    @property
    def can_unfold(self) -> bool:
        return (self.is_shortened or self.left_out_before > 0) and self.characters <= UNFOLDED_CHARACTERS

    @cached_property
    def whole_html(self) -> SafeString:
        return self._visible(self.whole, 0)

    @property
    def left_out_before(self) -> int:
        """Return how many characters stand before the preview of a list."""
        return self.start if self.part is None else 0

    # --- parts of a long text -------------------------------------------------------------------

    @property
    def parts(self) -> int:
        """Return into how many parts the item's own page divides the text."""
        return max(1, -(-self.characters // PART_CHARACTERS))

    @property
    def part_start(self) -> int:
        return (min(max(1, self.part or 1), self.parts) - 1) * PART_CHARACTERS

    @property
    def part_end(self) -> int:
        return min(self.part_start + PART_CHARACTERS, self.characters)

    @property
    def part_range(self) -> str:
        """Say which characters the page shows, counted from 1."""
        return f"{self.part_start + 1}\u2013{self.part_end}"

    @property
    def previous_part(self) -> int | None:
        place = self.part_start // PART_CHARACTERS
        return place or None

    @property
    def next_part(self) -> int | None:
        return None if self.part_end >= self.characters else self.part_start // PART_CHARACTERS + 2

    # --- what is said of it ---------------------------------------------------------------------

    @property
    def reads_as(self) -> SafeString | None:
        """Say how what is shown reads, where a word of it is disguised."""
        if self._disguise is None:
            return None
        excerpt = self._disguise.excerpt
        return visible(excerpt, self.notes, masked=swear_words_in(excerpt) if self.masks else ())

    @property
    def reading_begins(self) -> bool:
        return self._disguise is None or self._disguise.is_beginning

    @property
    def reading_ends(self) -> bool:
        return self._disguise is None or self._disguise.is_end

    @property
    def alphabets(self) -> str:
        """Name the alphabets whose letters pass for Latin ones."""
        return ", ".join(_(name) for name in self._disguise.alphabets) if self._disguise else ""

    @property
    def has_masked_words(self) -> bool:
        return self.masks and bool(swear_words_in(self.preview[0]))

    @cached_property
    def marked(self) -> list[SafeString]:
        """The marked words, the strongest first, each once."""
        words = sorted(self._words, key=lambda word: -word.strength)
        texts = [self.whole[word.start : word.end][:NAMED_CHARACTERS] for word in words]
        readable = dict.fromkeys("".join(filter(str.isprintable, text)) for text in texts)
        return [self._visible(text, 0, is_marked=False) for text in list(readable)[:NAMED_WORDS]]

    @property
    def _words(self) -> Sequence[DrivingWord]:
        return self.driving.words if self.driving is not None else ()

    @cached_property
    def _disguise(self) -> Disguise | None:
        return disguise_in(self.preview[0])

    def _visible(self, text: str, start: int, *, is_marked: bool = True) -> SafeString:
        """Make HTML of a piece of the text that begins at `start`."""
        words = self._words if is_marked else ()
        label = label_name(self.driving.label) if self.driving is not None else ""
        highlights = [
            Highlight(word.start - start, word.end - start, word.strength, spoken(label, word.strength))
            for word in words
            if start <= word.start and word.end <= start + len(text)
        ]
        masked = swear_words_in(text) if self.masks else ()
        return visible(text, self.notes, highlights=highlights, masked=masked)


def spoken(label: str, strength: int) -> str:
    """Say behind a marked word what it speaks for, and how strongly."""
    text = {3: _("%(label)s, strongly"), 2: _("%(label)s"), 1: _("%(label)s, a little")}[strength]
    return text % {"label": label}
