"""Synonyms of English words: from NLTK's WordNet where it is installed, else from a table of common words
derived from WordNet that comes with the package.

``python -m toxicity_ml.augmentation.synonyms --out FILE`` makes that table from an installed WordNet.
"""

import argparse
import gzip
import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from toxicity_ml.errors import DataError

SHIPPED = Path(__file__).with_name("synonyms.json.gz")
"""The derived table. Its licence is WordNet's, in WORDNET_LICENSE beside it."""

SENSES = 4
"""Senses of a word that are looked at, at most; the most frequent first."""
SENSE_SHARE = 0.1
"""A sense counts only when it is at least this share as frequent (SemCor's counts, which WordNet carries) as
the word's most frequent one: *people* as a verb would put nonsense into most sentences."""
OFFENSIVE_DOMAINS = frozenset({"disparagement", "ethnic_slur", "obscenity", "slang"})
"""WordNet's usage domains of words that are never put in: the label of the text would no longer be true."""
_OFFENSIVE = """
arse ass bastard bitch bum butt cock cocksucker cunt damn dick fag faggot fanny fuck hooker jap mulatto
nance negro negroid nigger pansies pansy piss poof prick pussy queer retard shag shit slut spic tit whore
wop
"""
OFFENSIVE = frozenset(_OFFENSIVE.split())
"""The same for words that WordNet does not mark."""

PARTS_OF_SPEECH = {"n": ("s",), "v": ("s", "ed", "ing"), "a": (), "r": ()}
"""WordNet's letter: the regular endings that are taken off a word and put on its synonyms."""

Entries = Mapping[str, Sequence[str]]
"""The synonyms of a base form by part of speech."""


class Synonyms:
    """Looks up the synonyms of a word: single words in lower case, inflected like the word."""

    def __init__(self, name: str, entries: Callable[[str], Entries], irregular: frozenset[str]) -> None:
        """``entries`` looks up a base form; ``irregular`` holds those that no regular ending fits."""
        self.name = name
        self._entries = entries
        self._irregular = irregular
        self._known: dict[str, tuple[str, ...]] = {}

    def __call__(self, word: str) -> tuple[str, ...]:
        word = word.lower()
        synonyms = self._known.get(word)
        if synonyms is None:
            synonyms = self._known[word] = self._look_up(word)
        return synonyms

    def _look_up(self, word: str) -> tuple[str, ...]:
        if not (word.isascii() and word.isalpha()):
            return ()
        candidates = [synonym for entry in self._entries(word).values() for synonym in entry]
        if not candidates:
            for base, ending in _bases(word):
                if base in self._irregular:
                    continue
                for part, synonyms in self._entries(base).items():
                    if ending in PARTS_OF_SPEECH[part]:
                        regular = (synonym for synonym in synonyms if synonym not in self._irregular)
                        candidates.extend(inflected(synonym, ending) for synonym in regular)
        return tuple(synonym for synonym in dict.fromkeys(candidates) if synonym != word)


def load(source: str = "auto") -> Synonyms:
    """The synonyms of ``wordnet`` (NLTK's), of the ``shipped`` table, or ``auto``: the first that is there.

    Raises DataError when WordNet is asked for and is not installed.
    """
    if source not in ("auto", "wordnet", "shipped"):
        raise DataError(f"No synonyms are called {source!r}: name auto, wordnet or shipped.")
    if source != "shipped":
        try:
            return _from_wordnet()
        except LookupError as error:
            if source == "wordnet":
                raise DataError(
                    "NLTK's WordNet is not installed: python -m nltk.downloader wordnet, or name shipped."
                ) from error
    return from_table(SHIPPED)


@lru_cache(maxsize=4)
def from_table(path: Path) -> Synonyms:
    """The synonyms of a table that ``derive`` wrote. Raises DataError when there is none or it is damaged."""
    try:
        table = json.loads(gzip.decompress(path.read_bytes()))
        parts = {part: dict(table[part]) for part in PARTS_OF_SPEECH}
        irregular = frozenset(table["irregular"].split())
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is not a table of synonyms ({type(error).__name__}).") from error

    def entries(word: str) -> Entries:
        return {part: words[word].split() for part, words in parts.items() if word in words}

    return Synonyms("shipped", entries, irregular)


def shipped_words() -> tuple[str, ...]:
    """The base forms of the table that comes with the package, sorted: some thousand common words."""
    table = json.loads(gzip.decompress(SHIPPED.read_bytes()))
    return tuple(sorted({word for part in PARTS_OF_SPEECH for word in table[part] if word.isalpha()}))


def inflected(word: str, ending: str) -> str:
    """``word`` with the regular ending ``s``, ``ed`` or ``ing``; final consonants are not doubled."""
    after_consonant = len(word) > 1 and word[-2] not in "aeiou"
    if word.endswith("y") and after_consonant and ending != "ing":
        return word[:-1] + ("ies" if ending == "s" else "ied")
    if ending == "s":
        return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")
    if word.endswith("ie") and ending == "ing":
        return word[:-2] + "ying"
    if word.endswith("e") and not (word.endswith(("ee", "oe", "ye")) and ending == "ing"):
        return word[:-1] + ending
    return word + ending


def _bases(word: str) -> list[tuple[str, str]]:
    """What ``word`` may be the inflected form of, and with which ending."""
    if word.endswith("s"):
        ending, candidates = "s", [word[:-1], word[:-2], word[:-3] + "y"]
    elif word.endswith("ed"):
        ending, candidates = "ed", [word[:-2], word[:-1], word[:-3] + "y"]
    elif word.endswith("ing"):
        ending, candidates = "ing", [word[:-3], word[:-3] + "e", word[:-4] + "ie"]
    else:
        return []
    return [(base, ending) for base in candidates if len(base) > 1 and inflected(base, ending) == word]


# --- WordNet ---------------------------------------------------------------------------------------


def _from_wordnet() -> Synonyms:
    """Raises LookupError when WordNet is not installed."""
    reader = _reader()

    def entries(word: str) -> Entries:
        return wordnet_entries(reader, word)

    return Synonyms("wordnet", entries, _irregular(reader))


def _reader() -> Any:
    """A reader of our own: NLTK's shared one would stay on the first place that it was loaded from."""
    from nltk.corpus import LazyCorpusLoader, WordNetCorpusReader

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The multilingual functions")
        reader = LazyCorpusLoader("wordnet", WordNetCorpusReader, None)
        reader.ensure_loaded()
    return reader


def wordnet_entries(reader: Any, word: str) -> dict[str, list[str]]:
    """Synonyms of a base form by part of speech, from an NLTK WordNetCorpusReader.

    The lemmas that share one of the word's frequent senses (SENSES, SENSE_SHARE); none that is a phrase, a
    name or offensive.
    """
    senses = [(lemma.count(), lemma.synset()) for lemma in reader.lemmas(word) if lemma.name() == word]
    senses.sort(key=lambda sense: -sense[0])
    by_part: dict[str, list[str]] = {}
    for count, synset in senses[:SENSES]:
        if count < SENSE_SHARE * senses[0][0]:
            break
        entry = by_part.setdefault(synset.pos().replace("s", "a"), [])
        entry.extend(
            lemma.name()
            for lemma in synset.lemmas()
            if lemma.name() != word and lemma.name() not in entry and _can_be_put_in(lemma)
        )
    return {part: entry for part, entry in by_part.items() if entry}


def _can_be_put_in(lemma: Any) -> bool:
    name = lemma.name()
    if not (name.isascii() and name.isalpha() and name.islower()) or name in OFFENSIVE:
        return False
    domains = [domain.name().split(".")[0] for domain in lemma.synset().usage_domains()]
    domains += [domain.name() for domain in lemma.usage_domains()]
    return OFFENSIVE_DOMAINS.isdisjoint(domains)


def _irregular(reader: Any) -> frozenset[str]:
    bases: set[str] = set()
    for name in ("noun.exc", "verb.exc"):
        with reader.open(name) as lines:
            for line in lines:
                bases.update(line.split()[1:])
    return frozenset(bases)


def derive(out: Path) -> int:
    """Write the table of common words from the installed WordNet and return its number of words.

    A word is common when WordNet counts it in SemCor at all. Raises DataError when WordNet is not installed.
    """
    try:
        reader = _reader()
    except LookupError as error:
        raise DataError("NLTK's WordNet is not installed: python -m nltk.downloader wordnet.") from error
    table: dict[str, dict[str, str]] = {part: {} for part in PARTS_OF_SPEECH}
    irregular = _irregular(reader)
    shipped: set[str] = set()
    for word in sorted(set(reader.all_lemma_names())):
        if not (word.isascii() and word.isalpha() and word.islower()) or not _is_common(reader, word):
            continue
        for part, entry in wordnet_entries(reader, word).items():
            table[part][word] = " ".join(entry)
            shipped.update(entry, (word,))
    content = {
        "derived from": f"WordNet {reader.get_version()}, copyright 2006 by Princeton University",
        "licence": "WORDNET_LICENSE",
        "irregular": " ".join(sorted(irregular & shipped)),
        **table,
    }
    # without a time stamp, so that the same WordNet gives the same bytes
    out.write_bytes(gzip.compress(json.dumps(content, separators=(",", ":")).encode("ascii"), 9, mtime=0))
    return len(set().union(*table.values()))


def _is_common(reader: Any, word: str) -> bool:
    return any(lemma.count() for lemma in reader.lemmas(word) if lemma.name() == word)


def main(arguments: Sequence[str] | None = None) -> int:
    """Derive a table from the command line."""
    parser = argparse.ArgumentParser(description="Derive the table of synonyms from NLTK's WordNet.")
    parser.add_argument("--out", type=Path, default=SHIPPED, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        count = derive(options.out)
    except DataError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{count:,} words are in {options.out}.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
