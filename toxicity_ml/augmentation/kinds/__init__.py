"""Examples of our own by kind of comment, in pairs that differ in meaning and in as little else as possible.

Each ``.txt`` file beside this module is one kind. Its lines:

``- CLEAR => FLAGGED``
    a pair of templates (``phrases.grammar``); either side may be missing. The sides share what they draw: the
    same list of alternatives, or the same word slot, gives both the same.
``* CLEAR => FLAGGED``
    the same, held out: never drawn for training.
``## NAME``, ``##* NAME``
    the sub-kind of what follows; one with a star is held out as a whole.
``@ LABEL LABEL? LABEL=0.2``
    what the flagged sides that follow are: 1 for a name, masked for a name with a question mark, 0 for the
    others. ``@clear`` likewise for the clear sides.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from toxicity_ml.augmentation.kinds.lists import HELD_OUT_LISTS, LISTS
from toxicity_ml.augmentation.phrases.grammar import UNCLEAR, draw
from toxicity_ml.augmentation.phrases.words import GROUPS, HELD_OUT_GROUPS, HELD_OUT_WORDS, WORDS
from toxicity_ml.labels import JIGSAW_LABELS

_SLOT = re.compile(r"\[[^\[\]]*\]|\{\w+\}")
_ENDINGS = (".", ".", "", "", "", "!", "...")
_LOWER_CASE = 0.3
_CLEAR_DEFAULT: Mapping[str, float] = {}
_FLAGGED_DEFAULT: Mapping[str, float] = {"toxic": 1.0, "severe_toxic": UNCLEAR, "insult": UNCLEAR}


@dataclass(frozen=True)
class Template:
    """One pair of templates, or one alone."""

    kind: str
    subkind: str
    clear: str
    flagged: str
    clear_labels: tuple[float, ...]
    flagged_labels: tuple[float, ...]
    held_out: bool


@dataclass(frozen=True)
class Example:
    """One text of a kind."""

    text: str
    labels: tuple[float, ...]
    """Over JIGSAW_LABELS; NaN where people would not agree."""
    kind: str
    subkind: str
    flagged: bool
    """True where any label should be over its threshold."""
    pair: int
    """The same number for both sides of a pair."""


@lru_cache(maxsize=1)
def templates() -> tuple[Template, ...]:
    """All templates, in the order of the files' names and their lines."""
    found: list[Template] = []
    for file in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".txt"):
            found += _parsed(file.name.removesuffix(".txt"), file.read_text(encoding="utf-8"))
    return tuple(found)


def kind_examples(draws: int, seed: int = 0, *, held_out: bool = False) -> list[Example]:
    """Draw each template this number of times. Equal texts come once; the same seed gives the same texts.

    held_out: draw the held-out templates, with words, names and groups that are not used otherwise.
    """
    chance = random.Random(f"kinds {seed} {held_out}")  # noqa: S311 - a sample, not a secret
    words = {**(HELD_OUT_WORDS if held_out else WORDS), **(HELD_OUT_LISTS if held_out else LISTS)}
    groups = HELD_OUT_GROUPS if held_out else GROUPS
    examples: list[Example] = []
    seen: set[str] = set()
    number = 0
    for template in templates():
        if template.held_out != held_out:
            continue
        for _ in range(draws):
            group = chance.choice(groups)
            lists = {**words, **{slot: [name] for slot, name in group._asdict().items()}}
            number += 1
            dress = _dress(chance)
            for flagged, text in _sides(template, _Slots(lists, chance)):
                text = dress(text)
                if text in seen:
                    continue
                seen.add(text)
                labels = template.flagged_labels if flagged else template.clear_labels
                examples.append(Example(text, labels, template.kind, template.subkind, flagged, number))
    return examples


class _Slots:
    """What the slots of one pair have drawn: the n-th occurrence of a slot is drawn once, for both sides."""

    def __init__(self, lists: Mapping[str, Sequence[str]], chance: random.Random) -> None:
        self._lists, self._chance = lists, chance
        self._drawn: dict[tuple[str, int], str] = {}
        self._used: defaultdict[str, set[str]] = defaultdict(set)

    def fill(self, side: str) -> str:
        """Return the text of one side, with an option in the place of each slot, also of those in options."""
        text = side
        while _SLOT.search(text):
            text = self._filled_once(text)
        return draw(text, {}, self._chance)

    def _filled_once(self, text: str) -> str:
        occurrences: Counter[str] = Counter()
        return _SLOT.sub(lambda match: self._option(match.group(), occurrences), text)

    def _option(self, slot: str, occurrences: Counter[str]) -> str:
        occurrences[slot] += 1
        place = slot, occurrences[slot]
        if place not in self._drawn:
            options = slot[1:-1].split("|") if slot[0] == "[" else self._lists[slot[1:-1]]
            used = self._used[slot]
            self._drawn[place] = self._chance.choice([o for o in options if o not in used] or options)
            used.add(self._drawn[place])
        return self._drawn[place]


def _sides(template: Template, slots: _Slots) -> Iterator[tuple[bool, str]]:
    """The sides that the template has: whether it is the flagged one, and its text."""
    for flagged, side in ((False, template.clear), (True, template.flagged)):
        if side:
            yield flagged, slots.fill(side)


def _dress(chance: random.Random) -> Callable[[str], str]:
    """What both sides of a pair have done to them: an ending, line breaks, lower case."""
    ending, lower = chance.choice(_ENDINGS), chance.random() < _LOWER_CASE

    def dressed(text: str) -> str:
        text = text.replace(" ⏎ ", "\n")
        if text[-1:].isalnum():
            text += ending
        return text.lower() if lower else text

    return dressed


def _parsed(kind: str, text: str) -> Iterator[Template]:
    subkind, held_subkind = "", False
    clear_labels, flagged_labels = _labels("", _CLEAR_DEFAULT), _labels("", _FLAGGED_DEFAULT)
    for line in text.splitlines():
        mark, _, rest = line.strip().partition(" ")
        if mark in ("##", "##*"):
            subkind, held_subkind = rest, mark == "##*"
        elif mark == "@":
            flagged_labels = _labels(rest, _FLAGGED_DEFAULT)
        elif mark == "@clear":
            clear_labels = _labels(rest, _CLEAR_DEFAULT)
        elif mark in ("-", "*"):
            clear, _, flagged = (part.strip() for part in rest.partition("=>"))
            held = mark == "*" or held_subkind
            yield Template(kind, subkind, clear, flagged, clear_labels, flagged_labels, held)
        elif mark and not mark.startswith("//"):
            raise ValueError(f"{kind}: a line begins with none of - * ## ##* @ @clear //: {line[:40]}")


def _labels(text: str, default: Mapping[str, float]) -> tuple[float, ...]:
    values = dict(default)
    for entry in text.split():
        name, _, value = entry.rstrip("?").partition("=")
        values[name] = UNCLEAR if entry.endswith("?") else float(value or 1)
    return tuple(values.get(label, 0.0) for label in JIGSAW_LABELS)
