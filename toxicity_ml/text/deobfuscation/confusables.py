"""Letters of other alphabets and signs that a reader takes for a Latin letter.

A small table by hand instead of Unicode's (UTS #39), which also holds pairs that nobody reads as a letter.
"""

# ruff: noqa: RUF001  look-alikes are what this table is for


def _table(*pairs: str) -> dict[str, str]:
    """Each pair: the Latin letter, then what looks like it."""
    return {sign: pair[0] for pair in pairs for sign in pair[1:].replace(" ", "")}


ALPHABETS: dict[str, str] = _table(
    # Cyrillic, Greek, Armenian and Cherokee letters that a font often draws with the same glyph
    *(
        "aа",
        "cсϲ",
        "dԁ",
        "eе",
        "hһ",
        "iіι",
        "jјϳ",
        "kкκ",
        "lӏ",
        "oоοօ",
        "pрρ",
        "qԛ",
        "sѕ",
        "uսυ",
        "vѵν",
        "wԝ",
        "xх",
        "yуү",
    ),
    *("AАΑᎪ", "BВΒᏴ", "CСᏟϹ", "DᎠ", "EЕΕᎬ", "GᏀ", "HНΗᎻ", "IІΙӀ", "JЈᎫ", "KКΚᏦ", "LᏞ", "MМΜᎷ", "NΝ", "OОΟՕ"),
    *("PРΡᏢ", "RᎡ", "SЅՏᏚ", "TТΤᎢ", "UՍ", "VѴᏙ", "WԜᎳ", "XХΧ", "YҮΥ", "ZΖᏃ"),
)
"""A word that mixes these with Latin letters is read as Latin."""

SIMILAR: dict[str, str] = _table(
    *(
        "aαɑᴀ∂д",
        "bЬьɓʙƀ",
        "cᴄϾʗ",
        "dɗđᴅð",
        "eεєёəᴇɛɘ",
        "fƒꜰſ",
        "gɡɢցɠǥ",
        "hнհħʜ",
        "iıɪɩ",
        "jȷᴊ",
        "kᴋƙ",
        "lłʟɭƖ",
    ),
    *("mмᴍɱ", "nпηոɴɲŋи", "oσøᴏɵөø", "pþᴘƥ", "qզ", "rгʀɾяᴦ", "sꜱʂ", "tтτŧᴛƭ", "uμцᴜʋսμ", "vᴠ", "wωшᴡѡɯ"),
    *("xχж", "yγʏуყ", "zᴢʐƶ"),
)
"""Letters that only resemble a Latin one: tried where the word then is one of the lexicon."""
for _first in (0x249C, 0x1F110, 0x1F150, 0x1F170, 0x1F1E6):  # bracketed, negative and flag letters
    SIMILAR |= {chr(_first + number): chr(ord("a") + number) for number in range(26)}

LEET: dict[str, str] = {
    **{"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g"},
    **{"@": "a", "$": "s", "!": "i", "+": "t", "|": "il", "€": "e", "£": "l", "¢": "c", "¥": "y", "§": "s"},
}
"""Digits and signs, and the letters that each may stand for."""
