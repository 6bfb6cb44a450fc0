"""HTML inside words: tags between two letters, and letters written as character references."""

import re
import unicodedata

from toxicity_ml.text.deobfuscation.lexicon import MAX_LETTERS, Lexicon
from toxicity_ml.text.pieces import Edit, Piece, applied, folded_text, joined_text

_REFERENCE = re.compile(
    r"&(?:amp;)?(?:#(\d{2,6})|#[xX]([0-9a-fA-F]{2,5})|(?:shy|zwnj|zwj|lrm|rlm|ZeroWidthSpace));"
)
_INLINE = (
    "abbr|b|bdi|bdo|big|code|del|em|font|i|ins|kbd|mark|nowiki|s|small|span|strike|strong|sub|sup|tt|u|wbr"
)
_TAG = rf"<(?:/?(?:{_INLINE})(?:\s[^<>]{{0,100}})?/?|!--[^<>]{{0,100}}--)>"
_TAGS = re.compile(rf"(?:{_TAG})+", re.IGNORECASE)
_OPENING = re.compile(r"<[^/!][^<>]*[^/<>]>|<[^/!<>]>")
_CLOSING = re.compile(r"</")


def without_markup(pieces: list[Piece], lexicon: Lexicon) -> tuple[list[Piece], list[bool]]:
    """The pieces without markup inside words, and for each whether it is of a word that was changed."""
    flags = [False] * len(pieces)
    text = joined_text(pieces)
    if "&" in text:
        pieces, flags = applied(pieces, _references(pieces, text), flags)
        text = joined_text(pieces)
    if "<" in text:
        pieces, flags = applied(pieces, _tagged_words(pieces, text, lexicon), flags)
    return pieces, flags


def _references(pieces: list[Piece], text: str) -> list[Edit]:
    """References to a letter or to nothing visible, where they touch a word."""
    edits: list[Edit] = []
    for match in _REFERENCE.finditer(text):
        start, end = match.span()
        decimal, hexadecimal = match.groups()
        code = int(decimal) if decimal else int(hexadecimal, 16) if hexadecimal else 0xAD
        character = chr(code) if code < 0x110000 else ""
        touches = (
            (start > 0 and text[start - 1].isalnum())
            or text[end : end + 1].isalnum()
            or bool(edits and edits[-1][1] == start)
            or text.startswith("&#", end)
        )
        if not touches:
            continue
        if character.isascii() and character.isalnum():
            edits.append((start, end, [(character, pieces[start][1], pieces[end - 1][2])]))
        elif unicodedata.category(character or "\xad") == "Cf":
            edits.append(_without_reference(pieces, start, end, edits))
    return edits


def _without_reference(pieces: list[Piece], start: int, end: int, edits: list[Edit]) -> Edit:
    """The edit that drops what is not to be seen, with the character before it (or, at the very start, after
    it), so that the word counts as changed."""
    if edits and edits[-1][1] == start:
        first, _, replacement = edits.pop()
        return first, end, replacement
    if start == 0:
        return 0, end + 1, pieces[end : end + 1]
    return start - 1, end, [pieces[start - 1]]


def _tagged_words(pieces: list[Piece], text: str, lexicon: Lexicon) -> list[Edit]:
    """Words with tags inside. Tags around nothing (``id<b></b>iot``) can only be meant to break a word;
    others (``id<b>iot</b>``) go where the word is then in the lexicon."""
    edits: list[Edit] = []
    for chains in _words_of_chains(text):
        start, end = chains[0][0], chains[-1][1]
        free = edits[-1][1] if edits else 0
        while start > free and chains[0][0] - start <= MAX_LETTERS and text[start - 1].isalnum():
            start -= 1
        while end < len(text) and end - chains[-1][1] <= MAX_LETTERS and text[end].isalnum():
            end += 1
        kept, at = [], start
        for first, last in chains:
            kept += pieces[at:first]
            at = last
        kept += pieces[at:end]
        is_empty = all(_is_empty(text[first:last]) for first, last in chains)
        if is_empty or lexicon.unrepeated(folded_text(joined_text(kept))[: 2 * MAX_LETTERS]):
            edits.append((start, end, kept))
    return edits


def _words_of_chains(text: str) -> list[list[tuple[int, int]]]:
    """The runs of tags that have a letter on both sides, those of one word together."""
    words: list[list[tuple[int, int]]] = []
    for match in _TAGS.finditer(text):
        start, end = match.span()
        if start == 0 or end == len(text) or not (text[start - 1].isalnum() and text[end].isalnum()):
            continue
        previous = words[-1][-1][1] if words else -1
        if 0 <= previous < start <= previous + MAX_LETTERS and text[previous:start].isalnum():
            words[-1].append((start, end))
        else:
            words.append([(start, end)])
    return words


def _is_empty(tags: str) -> bool:
    """True where these tags enclose nothing: each that is opened is closed again, none closes another."""
    return not tags.startswith("</") and len(_OPENING.findall(tags)) <= len(_CLOSING.findall(tags))
