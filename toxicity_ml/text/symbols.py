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
_SYMBOL_RANGES = """
A6 A8-A9 AE-B0 B4 B8 2C2-2C5 2D2-2DF 2E5-2EB 2ED 2EF-2FF 375 384-385 482 58D-58E 60E-60F 6DE 6E9 6FD-6FE 7F6
888 9FA B70 BF3-BF8 BFA C7F D4F D79 F01-F03 F13 F15-F17 F1A-F1F F34 F36 F38 FBE-FC5 FC7-FCC FCE-FCF FD5-FD8
109E-109F 1390-1399 166D 1940 19DE-19FF 1B61-1B6A 1B74-1B7C 1FBD 1FBF-1FC1 1FCD-1FCF 1FDD-1FDF 1FED-1FEF
1FFD-1FFE 2100-2101 2103-2106 2108-2109 2114 2116-2117 211E-2123 2125 2127 2129 212E 213A-213B 214A
214C-214D 214F 218A-218B 2195-2199 219C-219F 21A1-21A2 21A4-21A5 21A7-21AD 21AF-21CD 21D0-21D1 21D3
21D5-21F3 2300-2307 230C-231F 2322-2328 232B-237B 237D-239A 23B4-23DB 23E2-2426 2440-244A 249C-24E9
2500-25B6 25B8-25C0 25C2-25F7 2600-266E 2670-2767 2794-27BF 2800-28FF 2B00-2B2F 2B45-2B46 2B4D-2B73
2B76-2B95 2B97-2BFF 2CE5-2CEA 2E50-2E51 2E80-2E99 2E9B-2EF3 2F00-2FD5 2FF0-2FFB 3004 3012-3013 3020
3036-3037 303E-303F 309B-309C 3190-3191 3196-319F 31C0-31E3 3200-321E 322A-3247 3250 3260-327F 328A-32B0
32C0-33FF 4DC0-4DFF A490-A4C6 A700-A716 A720-A721 A789-A78A A828-A82B A836-A837 A839 AA77-AA79 AB5B
AB6A-AB6B FBB2-FBC2 FD40-FD4F FDCF FDFD-FDFF FF3E FF40 FFE3-FFE4 FFE8 FFED-FFEE FFFC-FFFD 10137-1013F
10179-10189 1018C-1018E 10190-1019C 101A0 101D0-101FC 10877-10878 10AC8 1173F 11FD5-11FDC 11FE1-11FF1
16B3C-16B3F 16B45 1BC9C 1CF50-1CFC3 1D000-1D0F5 1D100-1D126 1D129-1D164 1D16A-1D16C 1D183-1D184 1D18C-1D1A9
1D1AE-1D1EA 1D200-1D241 1D245 1D300-1D356 1D800-1D9FF 1DA37-1DA3A 1DA6D-1DA74 1DA76-1DA83 1DA85-1DA86 1E14F
1ECAC 1ED2E 1F000-1F02B 1F030-1F093 1F0A0-1F0AE 1F0B1-1F0BF 1F0C1-1F0CF 1F0D1-1F0F5 1F10D-1F1AD 1F1E6-1F202
1F210-1F23B 1F240-1F248 1F250-1F251 1F260-1F265 1F300-1F6D7 1F6DD-1F6EC 1F6F0-1F6FC 1F700-1F773 1F780-1F7D8
1F7E0-1F7EB 1F7F0 1F800-1F80B 1F810-1F847 1F850-1F859 1F860-1F887 1F890-1F8AD 1F8B0-1F8B1 1F900-1FA53
1FA60-1FA6D 1FA70-1FA74 1FA78-1FA7C 1FA80-1FA86 1FA90-1FAAC 1FAB0-1FABA 1FAC0-1FAC5 1FAD0-1FAD9 1FAE0-1FAE7
1FAF0-1FAF6 1FB00-1FB92 1FB94-1FBCA
"""
"""Characters of the categories So and Sk in Unicode 14, but for ASCII, in hexadecimal. Later Unicode is left
alone, whatever an interpreter knows, so that a text has the same score on each."""
_FLAGS = dict(entry.split(" ", 1) for line in _COUNTRIES.split("\n") for entry in line.split("|") if entry)

_MODIFIERS = re.compile(
    "[\u0300-\u036f\u200b-\u200d\u20e3\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)
"""What changes how a symbol looks, and ends no run of it: marks, joiners, variation selectors, skin tones."""

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
            character = repaired.text[old]
            last = last if character.isspace() or _MODIFIERS.match(character) else ""
            pieces.append((character, start, end))
            continue
        if not name:
            continue
        repeats = repeats + 1 if name == last else 1
        last = name
        if repeats <= MAX_REPEATS:
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


def _is_symbol(character: str) -> bool:
    return character in _SYMBOLS


def _characters(ranges: str) -> Iterator[str]:
    for part in ranges.split():
        first, _, last = part.partition("-")
        yield from map(chr, range(int(first, 16), int(last or first, 16) + 1))


_SYMBOLS = frozenset(_characters(_SYMBOL_RANGES))


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
