"""Tells whether a comment is in a language that a model was made for, and in which one it is otherwise.

Who is judged is decided here, so a comment counts as the site's own language unless its letters clearly speak
against that: one that is short, misspelt, all emoji, all code or partly in the site's language is scored.
"""

# ruff: noqa: RUF001, SIM905  letters and signs of other scripts are what this is about

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from toxicity_ml.extras import naming_the_extra
from toxicity_ml.inputs import as_text
from toxicity_ml.language_tags import language_of
from toxicity_ml.text.deobfuscation.confusables import ALPHABETS
from toxicity_ml.text.repair import repair

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LANGUAGES = frozenset(
    "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl sr "
    "sv ta te th tr uk ur vi zh".split()
    + "am gu hy ka km kn lo ml my or pa si".split()
)
"""The languages that are told apart, besides the site's own: common ones, and those that have a script to
themselves. With all that the library knows, rare ones such as Breton and Latin take slang and leet."""
MAX_CHARACTERS = 8_000
"""A longer text is read at both ends, half of this at each."""
MIN_LETTERS = 16
"""A text with fewer letters counts as the site's own. A sign of Chinese, Japanese or Korean counts thrice."""
MIN_WORDS = 3
"""A text with fewer different words counts as the site's own, too: it may be a name."""
MIN_OTHER_LETTERS = 6
"""As many letters, and no words, are needed where the site's languages are written in Latin letters and most
of the text's letters are others."""
MAX_OWN_LIKELIHOOD = 0.02
"""A text is in another language if its likelihood to be in the site's own is at most this."""
MIN_PIECE_LIKELIHOOD = 0.9
"""A sentence with this likelihood to be in the site's own language has the whole text count as such."""
MIN_COMMON_WORDS = 3
"""A text with as many different words of COMMON_WORDS counts as plainly in their language."""
MIN_COMMON_SHARE = 1 / 8
"""The same: as large a share of its letters must be in such words. Two thirds of English comments have it."""
COMMON_WORDS = {
    "en": frozenset(
        "the and you your that this with they them their what which who would could should because about "
        "from there these those been were does just like know think when where how not are his she than then "
        "people other some only any very".split()
    )
}
"""The commonest words of a language, without those that another one has as common words, too. They spare what
is plainly in the site's language the longer way, which costs as much as a tenth of scoring it."""
_MAX_RAW = 20_000
_LIKELY = 0.1

_ADDRESS = r"\b(?:https?|ftp)://\S+|\bwww\.\S+|\b[\w.+-]{1,64}@[\w-]{1,63}\.\S+"
_NO_PROSE = re.compile(
    r"```.{0,20000}?(?:```|\Z)|`[^`\n]{1,500}`"  # code
    r"|^[ \t]{0,3}>[^\n]*"  # quotes of other comments
    r"|<[^<>]{1,500}>|!?\[[^\[\]\n]{0,200}\]\([^()\s]{1,500}\)|\[/?\w{1,20}(?:=[^\[\]\n]{0,200})?\]"  # markup
    rf"|{_ADDRESS}"
    r"|[@#]\w+|\b[ru]/\w+|:\w{1,40}:|&#?\w{1,20};",  # names, tags, emoji written out
    re.DOTALL | re.MULTILINE,
)
_NO_WORDS = re.compile(_ADDRESS)
_WORD = re.compile(r"(?:(?![\d_])\w|['’\u0300-\u036f\u0900-\u0dff\u0e00-\u0eff\u200c\u200d])+")
_LETTERS = re.compile(r"[^\W\d_]+")
_CODE_SIGN = re.compile(r"[{}\[\];=<>|\\+*&^$~]|\(\)|->")
_REPEATED = re.compile(r"(\w{1,4}?)\1{2,}")
_PIECE_END = re.compile(r"[.!?…。！？।\n]+")
_LATIN = re.compile(r"[A-Za-zª-ɏᴀ-ᶿḀ-ỿ]")
_SYLLABLES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_LOOK_ALIKES = str.maketrans(ALPHABETS)
_OTHER_SCRIPTS = frozenset(
    "am ar as ary arz ba be bg bn dz el fa gom grc gu hbo he hi hy ja ka kk km kn ko ky lo mk ml mn mr my "
    "ne or pa ps ru sa sdh si sr ta te tg th tt ug uk ur wuu yue zh".split()
)
"""Languages that are written in other than Latin letters."""


@dataclass(frozen=True)
class Identified:
    """What language a text is in, as far as its letters say."""

    language: str
    """A BCP 47 tag: the site's own as the site writes it, or the code of another language."""
    is_own: bool
    """True: the text is in a language of the site, or says too little to be taken for another."""
    likelihoods: Mapping[str, float]
    """Each language's likelihood, the likeliest first, adding up to 1; empty where too few letters speak, or
    where the commonest words say enough."""


def identify(text: str, *, own: Sequence[str]) -> Identified:
    """Tell the language of a text, which is the site's own unless its letters clearly speak for another.

    own: BCP 47 tags of the languages that the site's model was made for, the commonest first. A text is in
    another language where it has MIN_LETTERS letters in MIN_WORDS words outside of addresses, names, code,
    markup and quotes, its likelihood to be in one of ``own`` is at most MAX_OWN_LIKELIHOOD, and none of its
    sentences is clearly in one, quotes and code included: an insult that is wrapped in French is judged.
    Where the library knows no language of ``own``, every text is own.

    Any string is accepted; at most MAX_CHARACTERS of it are read. Safe to use from many threads at once.
    Raises ValueError without ``own``, TypeError for what is no str, and MissingExtra where the library is not
    installed.
    """
    if not own:
        raise ValueError("Name at least one language of the site's own.")
    ends = _ends(as_text(text, "identify"), _MAX_RAW)
    codes = {language_of(tag) for tag in own}
    for tag in own:
        if _is_plainly(language_of(tag), ends):
            return Identified(tag, True, {})
    pieces = _pieces(_NO_PROSE.sub(" ", ends))
    words = " ".join(pieces)
    if not _says_enough(words, codes):
        return Identified(own[0], True, {})
    likelihoods = _likelihoods(words, codes)
    likeliest = next(iter(likelihoods))
    if likeliest in codes:
        return Identified(_as_written(likeliest, own), True, likelihoods)
    if _of(codes, likelihoods) > MAX_OWN_LIKELIHOOD or not codes & _known() or _has_own_piece(ends, codes):
        return Identified(own[0], True, likelihoods)
    return Identified(likeliest, False, likelihoods)


def detected(text: str, *, own: Sequence[str] = ("en",)) -> list[str]:
    """List the languages that a text may be in, the likeliest first: that of ``identify``, then all with a
    likelihood of a tenth. Raises as ``identify``."""
    identified = identify(text, own=own)
    others = [code for code, likelihood in identified.likelihoods.items() if likelihood >= _LIKELY]
    return [identified.language, *(code for code in others if code != language_of(identified.language))]


def _ends(text: str, most: int) -> str:
    """A text, or the beginning and the end of one that has more characters."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}\n{text[-half:]}"


def _is_plainly(code: str, text: str) -> bool:
    """True: the commonest words of the language make up so much of the text that no more need be asked."""
    common = COMMON_WORDS.get(code)
    if common is None or _SYLLABLES.search(text):
        return False
    words = _LETTERS.findall(text.lower())
    met = [word for word in words if word in common]
    is_much = sum(map(len, met)) >= MIN_COMMON_SHARE * sum(map(len, words))
    return len(set(met)) >= MIN_COMMON_WORDS and is_much


def _pieces(text: str) -> list[str]:
    """The words of both ends of a text in lower case, a string for each sentence or line."""
    prose = "\n".join(line for line in _ends(text, MAX_CHARACTERS).splitlines() if not _is_code(line))
    return [words for piece in _PIECE_END.split(repair(prose).text) if (words := _words(piece))]


def _is_code(line: str) -> bool:
    """True: the line looks like one of a program."""
    signs = len(_CODE_SIGN.findall(line))
    return signs >= 3 and 12 * signs >= len(line)


def _words(piece: str) -> str:
    """The words of a sentence, with laughter shortened and look-alike letters read as the Latin ones."""
    words = _WORD.findall(_REPEATED.sub(r"\1\1", piece))
    return " ".join(word.translate(_LOOK_ALIKES) if _LATIN.search(word) else word for word in words).lower()


def _speaks(words: str) -> int:
    """How many letters the different words of a text have."""
    letters = "".join(dict.fromkeys(words.split()))
    return len(letters) + 2 * len(_SYLLABLES.findall(letters))


def _says_enough(words: str, own: set[str]) -> bool:
    """True: the text has letters and words enough to be taken for another language than the site's."""
    letters = words.replace(" ", "")
    if 2 * len(_LATIN.findall(letters)) < len(letters) and not own & _OTHER_SCRIPTS:
        return _speaks(words) >= MIN_OTHER_LETTERS
    has_words = len(set(words.split())) >= MIN_WORDS or _SYLLABLES.search(words) is not None
    return has_words and _speaks(words) >= MIN_LETTERS


def _has_own_piece(text: str, own: set[str]) -> bool:
    """True: a sentence is clearly in a language of the site, be it in a quote, in code or in markup."""
    pieces = _pieces(_NO_WORDS.sub(" ", text))
    speaking = (piece for piece in pieces if _speaks(piece) >= MIN_LETTERS)
    return any(_of(own, _likelihoods(piece, own)) >= MIN_PIECE_LIKELIHOOD for piece in speaking)


def _of(codes: set[str], likelihoods: Mapping[str, float]) -> float:
    return sum(likelihoods.get(code, 0.0) for code in codes)


def _as_written(code: str, own: Sequence[str]) -> str:
    return next(tag for tag in own if language_of(tag) == code)


def _likelihoods(words: str, own: set[str]) -> dict[str, float]:
    """The likelihood of each of LANGUAGES and of ``own``, the likeliest first."""
    ranked = _identifier().rank(words)
    told = {code: float(likelihood) for code, likelihood in ranked if code in LANGUAGES or code in own}
    # all of them are 0 where a language that is not told apart is certain
    total = sum(told.values()) or 1.0
    return {code: likelihood / total for code, likelihood in told.items()}


@cache
def _known() -> frozenset[str]:
    return frozenset(_identifier().labels)


@cache
def _identifier() -> "LanguageIdentifier":
    """The library's model, loaded once."""
    with naming_the_extra():
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
