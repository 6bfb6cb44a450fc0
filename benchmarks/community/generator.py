"""Writes the comments of the harbour forum, each with its author, its kind and its true labels."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.community import words
from toxicity_ml.labels import JIGSAW_LABELS

AUTHORS = 150
NEAR_COPIES = 0.04
"""Share of the comments that somebody has written before in nearly the same words."""
LONG = 0.15
"""Share of the comments in which other sentences stand around what the comment is about."""


class Kind(StrEnum):
    """What a comment is, which tells whether it is harmful; nobody but the author of the forum sees it."""

    ORDINARY = "ordinary"
    """Boats, fish and weather: harmless."""
    LITERAL = "literal"
    """Of gulls, the birds: harmless."""
    BANTER = "banter"
    """Friends who swear at each other: harmless here."""
    ABUSE = "abuse"
    """Insults, curses and threats in words that everybody knows."""
    LOCAL = "local"
    """Insults in words of this harbour alone."""
    CODED = "coded"
    """Hate against the people of the marsh, who are called gulls by those who hate them."""


SHARES = {
    Kind.ORDINARY: 0.845,
    Kind.LITERAL: 0.035,
    Kind.BANTER: 0.05,
    Kind.ABUSE: 0.025,
    Kind.LOCAL: 0.03,
    Kind.CODED: 0.015,
}
"""How often each kind occurs: 7 % of the comments are harmful."""
MISSED = (Kind.LOCAL, Kind.CODED)
"""Kinds that a model knows nothing of before somebody has told it."""
HARMLESS = (Kind.ORDINARY, Kind.LITERAL, Kind.BANTER)
SENTENCES: dict[Kind, tuple[str, ...]] = {
    Kind.ORDINARY: words.ORDINARY,
    Kind.LITERAL: words.LITERAL,
    Kind.BANTER: words.BANTER,
    Kind.ABUSE: words.ABUSE,
    Kind.LOCAL: words.LOCAL,
    Kind.CODED: words.CODED,
}
_SLOT = re.compile(r"\{(\w+)\}")
_OBSCENE = re.compile(r"fuck|shit|bitch|cunt|asshole|bastard|prick", re.IGNORECASE)


@dataclass(frozen=True)
class Comment:
    """One comment and the truth of it."""

    text: str
    author: str
    kind: Kind
    truth: tuple[bool, ...]
    """In the order of `toxicity_ml.labels.JIGSAW_LABELS`."""

    @property
    def is_toxic(self) -> bool:
        """True where any label is true."""
        return any(self.truth)


@dataclass(frozen=True)
class Author:
    """How one person writes."""

    name: str
    is_lower_case: bool
    has_no_full_stops: bool
    typos: float
    """Share of the comments in which a word is misspelt."""


def comments(count: int, *, seed: int) -> list[Comment]:
    """Write `count` comments; the same seed writes the same ones, another seed others of the same forum."""
    generator = random.Random(seed)
    authors = _authors()
    activity = [1 / (place + 3) for place in range(len(authors))]
    kinds = generator.choices(list(SHARES), list(SHARES.values()), k=count)
    written: list[Comment] = []
    by_kind: dict[Kind, list[Comment]] = {kind: [] for kind in Kind}
    for kind in kinds:
        (author,) = generator.choices(authors, activity)
        earlier = by_kind[kind]
        if earlier and generator.random() < NEAR_COPIES:
            comment = _near_copy(generator.choice(earlier), author, generator)
        else:
            comment = _comment(kind, author, generator)
        written.append(comment)
        earlier.append(comment)
    return written


def _authors() -> list[Author]:
    """Return the people of the forum, who are the same in every run."""
    generator = random.Random(7)
    return [
        Author(
            name=f"{words.NAMES[number % len(words.NAMES)]} {1 + number // len(words.NAMES)}",
            is_lower_case=generator.random() < 0.2,
            has_no_full_stops=generator.random() < 0.25,
            typos=generator.choice((0.0, 0.0, 0.05, 0.2)),
        )
        for number in range(AUTHORS)
    ]


def _comment(kind: Kind, author: Author, generator: random.Random) -> Comment:
    sentences = SENTENCES[kind]
    is_threat = kind == Kind.ABUSE and generator.random() < 0.15
    core = _filled(generator.choice(words.THREATS if is_threat else sentences), generator)
    text = _filled(generator.choice(words.OPENINGS), generator) + core
    text += _filled(generator.choice(words.ENDINGS), generator)
    if generator.random() < LONG:
        text = _surrounded(text, generator)
    return Comment(_in_the_hand_of(author, text, generator), author.name, kind, _truth(kind, core, is_threat))


def _filled(sentence: str, generator: random.Random) -> str:
    """Return the sentence with a word in each of its slots; a word may have slots, too."""
    while match := _SLOT.search(sentence):
        word = generator.choice(words.SLOTS[match[1]])
        sentence = sentence[: match.start()] + word + sentence[match.end() :]
    return re.sub(r"(^|[.!?:] )([a-zäöü])", lambda found: found[1] + found[2].upper(), sentence)


def _surrounded(text: str, generator: random.Random) -> str:
    """Put one to five other sentences around the text, as people do who have something to tell."""
    others = [
        _filled(generator.choice((*words.REMARKS, *words.ORDINARY)), generator)
        for _ in range(generator.randint(1, 5))
    ]
    others.insert(generator.randint(0, len(others)), text)
    return " ".join(others)


def _in_the_hand_of(author: Author, text: str, generator: random.Random) -> str:
    if author.is_lower_case:
        text = text.lower()
    if author.has_no_full_stops:
        text = text.replace(".", "").rstrip()
    if generator.random() < author.typos:
        text = _misspelt(text, generator)
    return text


def _misspelt(text: str, generator: random.Random) -> str:
    """Exchange two letters inside a word."""
    places = [match.start() for match in re.finditer(r"(?<=\w)\w\w(?=\w)", text)]
    if not places:
        return text
    place = generator.choice(places)
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _near_copy(original: Comment, author: Author, generator: random.Random) -> Comment:
    """Write the same again, with another name, without its marks, or with a word after it."""
    text = original.text
    change = generator.randrange(3)
    if change == 0:
        for name in words.NAMES:
            if re.search(rf"\b{name}\b", text):
                text = re.sub(rf"\b{name}\b", generator.choice(words.NAMES), text)
                break
    elif change == 1:
        text = text.rstrip(".! ").lower()
    else:
        text += generator.choice((" ok", " again", "!", " as I said"))
    return Comment(text, author.name, original.kind, original.truth)


def _truth(kind: Kind, core: str, is_threat: bool) -> tuple[bool, ...]:
    true = {
        Kind.ABUSE: {"toxic", "insult"},
        Kind.LOCAL: {"toxic", "insult"},
        Kind.CODED: {"toxic", "identity_hate"},
    }.get(kind, set())
    if kind == Kind.ABUSE and _OBSCENE.search(core):
        true = true | {"obscene"}
    if is_threat:
        true = true | {"threat"}
    return tuple(label in true for label in JIGSAW_LABELS)


def of_kinds(everything: Sequence[Comment], kinds: Sequence[Kind]) -> list[Comment]:
    """Return the comments of these kinds."""
    return [comment for comment in everything if comment.kind in kinds]
