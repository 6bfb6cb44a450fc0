"""Looks up the words that a disguised word may stand for: rude words that we list, and a vocabulary.

The list is not a filter: nothing is flagged for being on it. It only says which readings are worth a try.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

MIN_LETTERS = 4
"""Words shorter than this are found by chance too often: *U.S., e.t.c, P.O.V, B2B, MP3*."""
MAX_LETTERS = 20
"""Longer words are not looked up."""

_SWEAR_WORDS = """
arse arsehole asshat asshole asswipe bastard bitch bitchy bollock bugger bullshit clusterfuck cock
cocksucker coon crap crappy cretin cunt dick dickhead dickwad dipshit douche douchebag dumbass dumbfuck
dyke fagg faggot faggy fuck fuckface fuckhead fuckin fuckwit gook horseshit idiot idiotic imbecile jackass
jerkoff jizz kike knobhead lesbo moron moronic motherfuck negro nigga nigger numbnuts pecker pedo
pedophile paedophile penis piss pissed prick pussy pussies raghead retard retarded scumbag scum shit shite
shithead shithole shitted shitter shitting shitty skank slut slutty spastic stupid stupidity tosser
towelhead tranny turd twat vagina wanker wank wetback whore
"""
_SWEAR_STEMS = ("bugger", "fuck", "motherfuck", "piss", "wank", "bitch")
_OTHER_RUDE_WORDS = """
bloody chink coward creep creepy damn damned dammit die dies dirty disgusting dumb dunce fatso filth
filthy freak garbage goddamn halfwit hate hated hater haters hell homo hooker hypocrite ignorant jerk kill
killed killing lame liar liars loser losers lunatic murder nazi nazis nitwit dimwit nutjob paki parasite
pathetic pervert perverts pig pigs porn psycho puke queer rape raped rapist rapists scam sodomite spic
spics suck sucked sucker suckers sucking sucks terrorist tits titties troll trolls trash twit ugly useless
vermin vandal weirdo wimp worthless racist racists sexist bigot bigots fool fools foolish screw poop butt
butts damnit masturbate nasty freaking frigging murderer savage savages dead boobs
"""
_FUNCTION_WORDS = """
a i u r an as at be by do go he if im in is it me my no of on or so to up us we you your youre are and the
all bad big but can fat for get got had has him his her how its let man not now off old our out own see
she shut too was who why yes yo this that what
"""
SHORT_RUDE_WORDS = frozenset({"ass", "fag", "cum"})
"""Read only behind signs that nobody uses by chance (``a$$``)."""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""What may stand beside a rude word in a run of separated letters (``y o u i d i o t``)."""
_NOT_REPEATED = frozenset({"looser", "loosers", "shiite", "shiites"})
"""Real words that look like a rude one with a letter repeated."""
_REAL_WORDS = """
admn ases bigos biot bith chik chiks cink cinks cnut cnuts cocs cono conos coos cras crep crepe crepes crepey
creps crepy crps csam cetin certin danm daed deda deds dise dises dity doche douce duce duche dums edad engro
fagot fagots fags fasto fatos filts folo frak haed haer haers haes hels hmoo hmos hoker hooer hoom hoos ides
ikke jers kies kiled kils laem laes lamse leso lira liras lirs lmes loer loers moorn morn morns moros nais
nasts nego negor negos niga omron paik paiks pais pecer peds peins peos pervers pises pisen pkis pons poos
popo popos pron psic pues pusses quere racit raist rapit rase sacms savae scas scma scms scres scus sexit
shist skans spis suced suker sult sults sutty suts tash tites tities toser trah twas ulys vadal vaina vanal
verin vermis waken wakin wanen wanin wims
"""
_SHORT_MISSPELT = {"fck": "fuck", "fuk": "fuck", "sht": "shit", "dck": "dick", "cnt": "cunt", "suk": "suck"}
"""Forms shorter than MIN_LETTERS that are in use."""
_NOT_MISSPELT = frozenset(_REAL_WORDS.split())
"""Real words and names, too rare for a vocabulary, that are a rude word with a letter swapped or dropped."""
_INFLECTIONS = ("s", "es", "ed", "d", "er", "ers", "ing", "ings", "y", "ly")
_NUMERALS = frozenset("ivxlcdm")
"""A repeated letter in a word of these alone is a Roman numeral's."""


def _with_endings(words: Iterable[str]) -> frozenset[str]:
    forms = set(words)
    forms |= {word + ("es" if word.endswith(("s", "ch", "sh", "x")) else "s") for word in forms}
    for stem in _SWEAR_STEMS:
        forms |= {stem + ending for ending in ("ed", "er", "ers", "ing", "ings", "in", "en", "y", "edly")}
    return frozenset(word for word in forms if len(word) >= MIN_LETTERS)


SWEAR_WORDS = _with_endings(_SWEAR_WORDS.split())
"""Insults and obscenities, inflected forms included, that mean little else."""
RUDE_WORDS = SWEAR_WORDS | _with_endings(_OTHER_RUDE_WORDS.split())
"""These, and words that are often part of an attack."""


def misspellings(word: str) -> set[str]:
    """The word with two neighbouring letters swapped, or with one dropped that is neither first nor last.

    Only forms of MIN_LETTERS letters and more.
    """
    places = range(len(word) - 1)
    forms = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in places}
    forms |= {word[:at] + word[at + 1 :] for at in places if at > 0}
    return {form for form in forms if len(form) >= MIN_LETTERS and form != word}


def squeezed(word: str) -> str:
    """The word with each run of one letter cut to a single one."""
    return "".join(letter for letter, _ in groupby(word))


def _is_word(form: str, vocabulary: frozenset[str] | set[str]) -> bool:
    """True for a word of the vocabulary or a regular inflection of one."""
    stems = {form} | {form.removesuffix(ending) for ending in _INFLECTIONS}
    stems |= {stem + "e" for stem in stems if stem != form}
    stems |= {stem[:-1] for stem in stems if stem[-2:-1] == stem[-1:]}
    return not vocabulary.isdisjoint(stem for stem in stems if len(stem) >= 3)


@dataclass(frozen=True)
class Lexicon:
    """Readings worth a try: SWEAR_WORDS, RUDE_WORDS and any further words, all in lower case."""

    known: frozenset[str]
    """All of them, MIN_LETTERS to MAX_LETTERS long."""
    squeezed: dict[str, tuple[str, ...]] = field(repr=False)
    """The known words behind a squeezed one, rude words first, then the longest."""
    rude_by_shape: dict[tuple[str, int], tuple[str, ...]] = field(repr=False)
    """Swear words by first letter and length."""
    misspelt: dict[str, str] = field(repr=False)
    """A form with letters swapped or one dropped, which is no word itself: the rude word that it stands
    for."""

    @classmethod
    def of(cls, words: Iterable[str] = ()) -> "Lexicon":
        """A lexicon of the rude words and these; words that are not ASCII letters or too short are left out.

        words: a vocabulary of the language. Without one nothing is taken for a misspelling, as nothing tells
        it from a word.
        """
        further = {word for word in words if word.isascii() and word.isalpha() and word.islower()}
        known = frozenset(word for word in RUDE_WORDS | further if MIN_LETTERS <= len(word) <= MAX_LETTERS)
        shapes: dict[tuple[str, int], list[str]] = {}
        for word in sorted(SWEAR_WORDS):
            shapes.setdefault((word[0], len(word)), []).append(word)
        groups: dict[str, list[str]] = {}
        for word in sorted(
            known | SHORT_RUDE_WORDS, key=lambda word: (word not in RUDE_WORDS, -len(word), word)
        ):
            groups.setdefault(squeezed(word), []).append(word)
        real = further | RUDE_WORDS
        misspelt = {
            form: word
            for word in sorted(RUDE_WORDS)
            for form in sorted(misspellings(word))
            if further and form not in _NOT_MISSPELT and not _is_word(form, real)
        }
        return cls(
            known,
            {key: tuple(found) for key, found in groups.items()},
            {key: tuple(found) for key, found in shapes.items()},
            misspelt | (_SHORT_MISSPELT if further else {}),
        )

    def unrepeated(self, word: str) -> str | None:
        """The known word that this one is with letters repeated, itself where it is one; else None.

        Three or more of a letter may hide any known word of at least MIN_LETTERS letters (and *ass*); a mere
        double only a swear word, since doubles are ordinary spelling.
        """
        if word in self.known:
            return word
        if word in _NOT_REPEATED:
            return None
        candidates = self.squeezed.get(squeezed(word))
        if candidates is None:
            return None
        lengths = [len(list(run)) for _, run in groupby(word)]
        for candidate in candidates:
            fits = all(
                len(list(run)) <= length for (_, run), length in zip(groupby(candidate), lengths, strict=True)
            )
            is_long = max(lengths) >= 3 and not _NUMERALS.issuperset(word)
            if fits and (is_long or candidate in SWEAR_WORDS):
                return candidate
        return None

    def starred(self, word: str) -> str | None:
        """The swear word that ``word`` is with some letters replaced by signs (``f**k``), or None."""
        for candidate in self.rude_by_shape.get((word[0], len(word)), ()):
            pairs = zip(candidate, word, strict=True)
            if all(letter == sign or not sign.isalnum() for letter, sign in pairs):
                return candidate
        return None


@lru_cache(maxsize=1)
def default_lexicon() -> Lexicon:
    """The rude words alone."""
    return Lexicon.of()
