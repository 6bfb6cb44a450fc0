"""Puts symbols that a tokenizer lacks into words (🐀 becomes *rat*, 🇲🇽 *Mexico*), keeping their place.

The names are Unicode's, shortened to what a reader would say; needs the standard library alone. Whether a
model version reads symbols so is said by its manifest: one that was trained without these words is never
given them.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

from toxicity_ml.text.repair import Repaired, Span

MAX_REPEATS = 3
"""A run of one symbol is read at most this number of times: forty say no more, and fill the window."""

_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_FIRST_FLAG, _LAST_FLAG = "\U0001f1e6", "\U0001f1ff"
_FILLERS = re.compile(
    r"\b(?:symbol|sign|face|with|black|white|heavy|emoji|reversed|negative|squared|dingbat|medium|large|small)\b"
)
"""What Unicode's names say of the drawing and not of the meaning: U+2764 is named HEAVY BLACK HEART."""
_NAMES = {
    "🖕": "middle finger",
    "👌": "ok hand",
    "👍": "thumbs up",
    "👎": "thumbs down",
    "🙏": "please thank you",
    "😂": "laughing",
    "🤣": "laughing",
    "😭": "crying",
    "😊": "smiling",
    "🙂": "smiling",
    "🙃": "ironic smile",
    "😡": "furious",
    "🤬": "swearing",
    "🤡": "clown",
    "💩": "shit",
    "🔪": "knife",
    "🔫": "gun",
    "🍆": "aubergine",
    "🍑": "peach",
    "💦": "splash",
    "💀": "skull dead",
    "☠": "skull dead",
    "🤮": "vomiting",
    "🤢": "sick",
    "🧠": "brain",
    "🗑": "rubbish bin",
    "🚮": "rubbish bin",
    "🐒": "monkey",
    "🐵": "monkey",
    "🙈": "monkey",
    "🦍": "gorilla",
    "🐷": "pig",
    "🐖": "pig",
    "🐍": "snake",
    "🐀": "rat",
    "🐁": "mouse",
    "🪳": "cockroach",
    "❤": "love",
    "💕": "love",
    "😍": "love",
    "😘": "kiss",
    "💪": "strong",
    "🎉": "party",
    "🔥": "fire",
    "👳": "man with turban",
    "🧕": "woman with headscarf",
    "👨": "man",
    "👩": "woman",
    "🪢": "knot noose",
    "⚰": "coffin",
    "💣": "bomb",
    "☪": "islam",
    "✡": "star of david jewish",
    "☭": "hammer and sickle",
    "✊": "raised fist",
    "👊": "punch",
}
_COUNTRIES = """
AD Andorra|AE Emirates|AF Afghanistan|AL Albania|AM Armenia|AO Angola|AR Argentina|AT Austria
AU Australia|AZ Azerbaijan|BA Bosnia|BD Bangladesh|BE Belgium|BF Burkina Faso|BG Bulgaria|BH Bahrain
BI Burundi|BJ Benin|BN Brunei|BO Bolivia|BR Brazil|BW Botswana|BY Belarus|CA Canada|CD Congo
CF Central African Republic|CG Congo|CH Switzerland|CI Ivory Coast|CL Chile|CM Cameroon|CN China
CO Colombia|CR Costa Rica|CU Cuba|CY Cyprus|CZ Czechia|DE Germany|DJ Djibouti|DK Denmark
DO Dominican Republic|DZ Algeria|EC Ecuador|EE Estonia|EG Egypt|ER Eritrea|ES Spain|ET Ethiopia
EU European Union|FI Finland|FJ Fiji|FR France|GA Gabon|GB Britain|GE Georgia|GH Ghana|GM Gambia
GN Guinea|GR Greece|GT Guatemala|GY Guyana|HK Hong Kong|HN Honduras|HR Croatia|HT Haiti|HU Hungary
ID Indonesia|IE Ireland|IL Israel|IN India|IQ Iraq|IR Iran|IS Iceland|IT Italy|JM Jamaica|JO Jordan
JP Japan|KE Kenya|KG Kyrgyzstan|KH Cambodia|KP North Korea|KR South Korea|KW Kuwait|KZ Kazakhstan|LA Laos
LB Lebanon|LK Sri Lanka|LR Liberia|LT Lithuania|LU Luxembourg|LV Latvia|LY Libya|MA Morocco|MC Monaco
MD Moldova|ME Montenegro|MG Madagascar|MK Macedonia|ML Mali|MM Myanmar|MN Mongolia|MR Mauritania|MT Malta
MW Malawi|MX Mexico|MY Malaysia|MZ Mozambique|NA Namibia|NE Niger|NG Nigeria|NI Nicaragua|NL Netherlands
NO Norway|NP Nepal|NZ New Zealand|OM Oman|PA Panama|PE Peru|PH Philippines|PK Pakistan|PL Poland
PR Puerto Rico|PS Palestine|PT Portugal|PY Paraguay|QA Qatar|RO Romania|RS Serbia|RU Russia|RW Rwanda
SA Saudi Arabia|SD Sudan|SE Sweden|SG Singapore|SI Slovenia|SK Slovakia|SL Sierra Leone|SN Senegal
SO Somalia|SS South Sudan|SV El Salvador|SY Syria|TD Chad|TG Togo|TH Thailand|TJ Tajikistan
TM Turkmenistan|TN Tunisia|TR Turkey|TW Taiwan|TZ Tanzania|UA Ukraine|UG Uganda|US America|UY Uruguay
UZ Uzbekistan|VA Vatican|VE Venezuela|VN Vietnam|XK Kosovo|YE Yemen|ZA South Africa|ZM Zambia|ZW Zimbabwe
"""
_FLAGS = dict(entry.split(" ", 1) for line in _COUNTRIES.split("\n") for entry in line.split("|") if entry)

IsKnown = Callable[[str], bool]


def symbols_in_words(repaired: Repaired, is_known: IsKnown) -> Repaired:
    """Put each symbol that is not known into words, with a space on either side of them.

    is_known: True for a character that the tokenizer has a piece for. Flags of two letters become their
    country; a skin tone goes; a run of one symbol is cut to MAX_REPEATS. Every character of the words has the
    span of the symbol; the places that were changed move along. A text without such symbols comes back as it
    is.
    """
    if repaired.text.isascii() or not any(map(_is_symbol, repaired.text)):
        return repaired
    pieces: list[tuple[str, int, int]] = []  # characters with their spans
    moved: list[int] = []  # for each old place, the new one
    last, repeats = "", 0
    for old, name, start, end in _read(repaired.text, repaired.spans, is_known):
        moved += [len(pieces)] * (old - len(moved) + 1)
        if name is None:
            last = last if repaired.text[old].isspace() else ""
            pieces.append((repaired.text[old], start, end))
            continue
        repeats = repeats + 1 if name == last else 1
        last = name
        if name and repeats <= MAX_REPEATS:
            if pieces and not pieces[-1][0].isspace():
                pieces.append((" ", start, start))
            pieces += [(character, start, end) for character in f"{name} "]
    moved += [len(pieces)] * (len(repaired.text) + 1 - len(moved))
    changed = tuple((moved[start], moved[end]) for start, end in repaired.changed)
    text = "".join(character for character, _, _ in pieces)
    return Repaired(text, tuple((start, end) for _, start, end in pieces), changed)


def _read(
    text: str, spans: tuple[Span, ...], is_known: IsKnown
) -> Iterator[tuple[int, str | None, int, int]]:
    """For each character or flag of the text: its place, its name where it becomes words, and its span."""
    at = 0
    while at < len(text):
        start, end = spans[at]
        pair = text[at : at + 2]
        if len(pair) == 2 and all(_FIRST_FLAG <= letter <= _LAST_FLAG for letter in pair):
            yield at, _flag(pair), start, spans[at + 1][1]
            at += 2
            continue
        character = text[at]
        yield at, _name(character) if _is_symbol(character) and not is_known(character) else None, start, end
        at += 1


@lru_cache(maxsize=4096)
def _is_symbol(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character) in ("So", "Sk")


def _flag(pair: str) -> str:
    code = "".join(chr(ord(letter) - ord(_FIRST_FLAG) + ord("A")) for letter in pair)
    return _FLAGS.get(code, "flag")


@lru_cache(maxsize=4096)
def _name(character: str) -> str:
    """What a reader says for a symbol; nothing for a skin tone."""
    if character in _TONES:
        return ""
    if character in _NAMES:
        return _NAMES[character]
    name = unicodedata.name(character, "symbol").lower()
    return " ".join(_FILLERS.sub(" ", name.replace("-", " ")).split()) or name
