"""Easy data augmentation: synonym replacement, random insertion, random swap and random deletion of words
(Wei and Zou 2019, "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification
Tasks").

Only words are changed: punctuation, white space and line breaks stay where they stood.
"""

import random
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from toxicity_ml.augmentation import synonyms as thesaurus
from toxicity_ml.errors import DataError

SynonymsOf = Callable[[str], Sequence[str]]
"""The synonyms of a word; empty for a word without synonyms."""

WORD = re.compile(r"[^\W_]+(?:(?:['\u2019&+!-]|[*@$#]{1,4})[^\W_]+)*")
"""A word with its apostrophes, hyphens and stars: *don't*, *half-wit* and *f**k* are one word each."""

_FUNCTION_WORDS = """
a about after again against ain all also am an and any are as at be because been before being below between
both but by can cannot could did do does doing don down during each either else ever few for from further
had has have having he her here hers herself him himself his how i if in into is it its itself just may me
might more most must my myself neither no nor not now of off on once one only or other our ours ourselves
out over own s same shall she should so some such t than that the their theirs them themselves then there
these they this those though through to too under until up us very was we were what when where which while
who whom whose why will with would yet you your yours yourself yourselves
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words without a synonym worth the name (WordNet knows *a* as a unit of length): never replaced, and nothing
is inserted for them."""

ATTEMPTS = 4
"""Times that a copy is tried again when it came out like the text or like an earlier copy."""


@dataclass(frozen=True)
class EDA:
    """Makes copies of a text by the four operations in turn, in the paper's strengths; see ``augment``."""

    alpha_sr: float = 0.1
    """Share of the words that synonym replacement changes; 0 leaves the operation out, for all four."""
    alpha_ri: float = 0.1
    """Words that random insertion adds, as a share of the words."""
    alpha_rs: float = 0.1
    """Swaps of random swap, as a share of the words."""
    p_rd: float = 0.1
    """Probability that random deletion drops a word."""
    n_aug: int = 9
    """Copies of one text."""
    protected: frozenset[str] | None = None
    """Words in lower case that carry a label: never replaced, deleted or put in; they may change places."""
    seed: int = 0
    synonyms: SynonymsOf | None = None
    """Default: ``synonyms.load()``, that is WordNet where it is installed, else the shipped table."""

    def __post_init__(self) -> None:
        strengths = (self.alpha_sr, self.alpha_ri, self.alpha_rs, self.p_rd)
        if not all(0 <= strength <= 1 for strength in strengths):
            raise DataError(f"Strengths of EDA are shares from 0 to 1, not {strengths}.")
        if not any(strengths):
            raise DataError("EDA with all four strengths at 0 changes nothing: give one of them.")
        if self.n_aug < 1:
            raise DataError(f"n_aug is a number of copies from 1 on, not {self.n_aug}.")
        if self.synonyms is None:
            object.__setattr__(self, "synonyms", thesaurus.load())
        lower = frozenset(word.lower() for word in self.protected or ())
        object.__setattr__(self, "protected", lower)

    @classmethod
    def for_rows(
        cls,
        rows: int,
        protected: frozenset[str] | None = None,
        seed: int = 0,
        synonyms: SynonymsOf | None = None,
    ) -> "EDA":
        """The strengths that the paper recommends for this number of training rows (its table 3)."""
        alpha = 0.05 if rows <= 2000 else 0.1
        n_aug = 16 if rows <= 500 else 8 if rows <= 2000 else 4
        return cls(alpha, alpha, alpha, alpha, n_aug, protected, seed, synonyms)

    def augment(self, text: str, n: int | None = None, rng: random.Random | None = None) -> list[str]:
        """At most ``n`` (default: ``n_aug``) changed copies, all different, none empty.

        The operations take turns, starting at random. Without ``rng`` the copies depend on the seed and the
        text alone, not on what was augmented before. Fewer copies come back when a text is too short to be
        changed so often, none when it has no word.
        """
        n = self.n_aug if n is None else n
        rng = rng or random.Random(f"{self.seed}:{text}".encode("utf-8", "surrogatepass"))  # noqa: S311
        operations = self._operations()
        rng.shuffle(operations)
        copies: dict[str, None] = {}
        for turn in range(n * ATTEMPTS):
            if len(copies) >= n or not WORD.search(text):
                break
            copy = operations[turn % len(operations)](text, rng)
            if copy != text:
                copies[copy] = None
        return list(copies)

    def _operations(self) -> list[Callable[[str, random.Random], str]]:
        synonyms, protected = self.synonyms, self.protected
        assert synonyms is not None and protected is not None  # noqa: S101 - set in __post_init__
        replace = partial(synonym_replacement, alpha=self.alpha_sr, synonyms=synonyms, protected=protected)
        insert = partial(random_insertion, alpha=self.alpha_ri, synonyms=synonyms, protected=protected)
        operations: list[tuple[float, Callable[[str, random.Random], str]]] = [
            (self.alpha_sr, replace),
            (self.alpha_ri, insert),
            (self.alpha_rs, partial(random_swap, alpha=self.alpha_rs)),
            (self.p_rd, partial(random_deletion, p=self.p_rd, protected=protected)),
        ]
        return [operation for strength, operation in operations if strength > 0]


def synonym_replacement(
    text: str,
    rng: random.Random,
    *,
    alpha: float = 0.1,
    synonyms: SynonymsOf,
    protected: Collection[str] = frozenset(),
) -> str:
    """Replace ``alpha`` of the words, at least one, by synonyms; each by the same one wherever it is."""
    words, gaps = _split(text)
    candidates = list(dict.fromkeys(word.lower() for word in words))
    rng.shuffle(candidates)
    wanted = _count(alpha, words)
    chosen: dict[str, str] = {}
    for word in candidates:
        if len(chosen) == wanted:
            break
        choices = _choices(word, synonyms, protected)
        if choices:
            chosen[word] = rng.choice(choices)
    replaced = [_cased(chosen[word.lower()], word) if word.lower() in chosen else word for word in words]
    return _joined(replaced, gaps)


def random_insertion(
    text: str,
    rng: random.Random,
    *,
    alpha: float = 0.1,
    synonyms: SynonymsOf,
    protected: Collection[str] = frozenset(),
) -> str:
    """Insert synonyms of ``alpha`` of the words, at least one, before a random word each."""
    words, gaps = _split(text)
    choices = [found for word in words if (found := _choices(word.lower(), synonyms, protected))]
    if not choices:
        return text
    for _ in range(_count(alpha, words)):
        at = rng.randrange(len(words))
        words.insert(at, rng.choice(rng.choice(choices)))
        gaps.insert(at + 1, " ")
    return _joined(words, gaps)


def random_swap(text: str, rng: random.Random, *, alpha: float = 0.1) -> str:
    """Swap two words at random, ``alpha`` times the number of words, at least once."""
    words, gaps = _split(text)
    if len(words) < 2:
        return text
    for _ in range(_count(alpha, words)):
        one, other = rng.sample(range(len(words)), 2)
        words[one], words[other] = words[other], words[one]
    return _joined(words, gaps)


def random_deletion(
    text: str, rng: random.Random, *, p: float = 0.1, protected: Collection[str] = frozenset()
) -> str:
    """Delete each word with probability ``p``; one is always left."""
    words, gaps = _split(text)
    kept = [word.lower() in protected or rng.random() >= p for word in words]
    if not any(kept):
        if not words:
            return text
        kept[rng.randrange(len(kept))] = True
    pieces = [gaps[0]]
    for word, is_kept, gap in zip(words, kept, gaps[1:], strict=True):
        if is_kept:
            pieces += (word, gap)
        elif pieces[-1][-1:].isspace() or not pieces[-1]:
            pieces[-1] += gap.lstrip()  # one space is left of the two around a deleted word
        else:
            pieces[-1] += gap
    return "".join(pieces)


def _split(text: str) -> tuple[list[str], list[str]]:
    """The n words of a text and the n + 1 gaps around them."""
    words, gaps, end = [], [], 0
    for match in WORD.finditer(text):
        gaps.append(text[end : match.start()])
        words.append(match.group())
        end = match.end()
    gaps.append(text[end:])
    return words, gaps


def _joined(words: Sequence[str], gaps: Sequence[str]) -> str:
    return gaps[0] + "".join(word + gap for word, gap in zip(words, gaps[1:], strict=True))


def _count(alpha: float, words: Sequence[str]) -> int:
    return max(1, int(alpha * len(words)))


def _choices(word: str, synonyms: SynonymsOf, protected: Collection[str]) -> list[str]:
    """What may stand for a word (in lower case) without touching what carries the label."""
    if word in FUNCTION_WORDS or word in protected:
        return []
    return [synonym for synonym in synonyms(word) if synonym not in protected]


def _cased(synonym: str, word: str) -> str:
    """``synonym`` in the case of the word that it replaces."""
    if len(word) > 1 and word.isupper():
        return synonym.upper()
    return synonym[:1].upper() + synonym[1:] if word[0].isupper() else synonym
