"""Reads JSON as it is sent in the wild: strictly if that succeeds, else as a person would read it.

Shipped clients send unquoted keys, single quotes, trailing commas, and comments pasted in with their line
breaks and quotation marks unescaped. JSON5 libraries refuse line breaks and lone surrogates inside of
strings and know nothing of unescaped quotation marks, hence the small reader below.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from toxicity_ml.perspective.errors import WireError, bad_json

__all__ = ["LENIENT_BYTES", "MAX_DEPTH", "parse"]

MAX_DEPTH = 100
"""How deep objects and lists may be nested, as in Google's parser."""

LENIENT_BYTES = 256 * 1024
"""The longest body that is read leniently. A longer one has to be JSON."""


def parse(body: bytes) -> dict[str, object]:
    """Read the JSON object in `body`, UTF-8 with or without a byte order mark; an empty body is `{}`.

    Of equal keys the last counts. A surrogate without its other half becomes U+FFFD, which has the same
    length in UTF-16. Raises the WireError of a bad payload for anything else than an object, for NaN and
    infinite numbers, and for nesting beyond MAX_DEPTH.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad_json("Request must be encoded in UTF-8.") from None
    if not text.strip():
        return {}
    try:
        value = _strict(text)
        if value is _REFUSED and len(body) <= LENIENT_BYTES:
            value = _Reader(text).document()
        if text.count("{") + text.count("[") > MAX_DEPTH:
            _check_depth(value, MAX_DEPTH)
        if _SURROGATE.search(text):
            value = _repaired(value)
    except RecursionError:
        raise _too_deep() from None
    if value is _REFUSED:
        raise bad_json("Unexpected token.")
    if not isinstance(value, dict):
        raise bad_json('Unknown name "": Root element must be a message.')
    return value


_REFUSED = object()


def _strict(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_number, parse_int=_number)
    except json.JSONDecodeError:
        return _REFUSED


def _no_constant(_name: str) -> NoReturn:
    raise bad_json("Numbers must be finite.")


def _number(literal: str) -> int | float:
    """Read a number; an integer beyond 64 bits becomes a float, as it does in JavaScript."""
    if len(literal) < 19 and literal.lstrip("+-").isdigit():
        return int(literal)
    value = float(literal)
    if not math.isfinite(value):
        raise bad_json("Numbers must be finite.")
    return value


def _too_deep() -> WireError:
    return bad_json("Message too deep. Max recursion depth reached.")


# --- what strict parsing lets through ------------------------------------------------------------

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _check_depth(value: object, depth: int) -> None:
    """Raise where a value is nested deeper than `depth`."""
    if not isinstance(value, dict | list):
        return
    if depth == 0:
        raise _too_deep()
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, depth - 1)


def _repaired(value: object) -> object:
    """Copy a value with whole characters only."""
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, list):
        return [_repaired(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _repaired(item) for key, item in value.items()}
    return value


def _whole(text: str) -> str:
    """Join the halves of surrogate pairs, and put U+FFFD for a half that is alone."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


# --- lenient reading -----------------------------------------------------------------------------

_SPACE = re.compile(r"[\s\ufeff]*+")
_BARE_KEY = re.compile(r"[^\W\d][\w$@.-]*+")
_SCALAR = re.compile(r"(true|false|null)\b|([+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?)(?![\w.])")
_SCALARS: dict[str, object] = {"true": True, "false": False, "null": None}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "/": "/", "\\": "\\", '"': '"', "'": "'"}

_TO_QUOTE = {
    quote: re.compile(rf"[^{quote}\\]*+(?:\\.[^{quote}\\]*+)*+{quote}", re.DOTALL) for quote in "\"'"
}
_NEXT_KEY = r"""(?:"[\w$@.-]++"|'[\w$@.-]++'|[\w$@.-]++)\s*+:\s*+(?:["'{\[\d.+-]|true|false|null)"""
_AFTER_KEY = re.compile(r"\s*+:")
_AFTER_ITEM = re.compile(r"\s*+(?:[,\]]|\Z)")
_AFTER_MEMBER = re.compile(rf"\s*+(?:\}}|\Z|,\s*+(?:\}}|{_NEXT_KEY}))")


class _Reader:
    """Reads one text from left to right, in time that grows with its length."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def document(self) -> object:
        """Read the whole text as one value."""
        value = self.value(MAX_DEPTH, _AFTER_MEMBER)
        if self.peek():
            raise bad_json("Unexpected token.")
        return value

    def value(self, depth: int, after: re.Pattern[str]) -> object:
        """Read a value; `after` is what has to follow where it is a string."""
        character = self.peek()
        if depth == 0 and character in ("{", "["):
            raise _too_deep()
        if character == "{":
            return self.members(depth - 1)
        if character == "[":
            return self.items(depth - 1)
        if character in _TO_QUOTE:
            return self.string(after)
        return self.scalar()

    def members(self, depth: int) -> dict[str, object]:
        self.at += 1
        members: dict[str, object] = {}
        while self.peek() != "}":
            key = self.key()
            self.expect(":")
            members[key] = self.value(depth, _AFTER_MEMBER)
            if self.peek() != "}":
                self.expect(",")
        self.at += 1
        return members

    def items(self, depth: int) -> list[object]:
        self.at += 1
        items: list[object] = []
        while self.peek() != "]":
            items.append(self.value(depth, _AFTER_ITEM))
            if self.peek() != "]":
                self.expect(",")
        self.at += 1
        return items

    def key(self) -> str:
        if self.peek() in _TO_QUOTE:
            return self.string(_AFTER_KEY)
        return self.match(_BARE_KEY).group()

    def scalar(self) -> object:
        match = self.match(_SCALAR)
        return _SCALARS[match[1]] if match[1] else _number(match[2])

    def string(self, after: re.Pattern[str]) -> str:
        """Read a string. It ends at the first quotation mark that is followed by what has to follow it."""
        to_quote = _TO_QUOTE[self.text[self.at]]
        begin = self.at = self.at + 1
        while True:
            self.match(to_quote)
            if after.match(self.text, self.at):
                return _ESCAPE.sub(_unescaped, self.text[begin : self.at - 1])

    def peek(self) -> str:
        """Skip white space and return the character after it, empty at the end."""
        self.match(_SPACE)
        return self.text[self.at : self.at + 1]

    def expect(self, character: str) -> None:
        if self.peek() != character:
            raise bad_json("Unexpected token.")
        self.at += 1

    def match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise bad_json("Unexpected token.")
        self.at = match.end()
        return match


def _unescaped(escape: re.Match[str]) -> str:
    """Return what an escape stands for. One that JSON lacks stands for itself: people draw arms with it."""
    if escape[1]:
        return chr(int(escape[1], 16))
    return _ESCAPED.get(escape[2], escape[0])
