"""The text of an HTML comment: tags go, entities become characters, blocks stand on lines of their own.

Own code, because the parser of the standard library takes seconds for 20 KB of unclosed tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

__all__ = ["text_of"]

_BLOCK = re.compile(
    r"address|article|aside|blockquote|br|d[dlt]|div|figcaption|figure|footer|form|h[1-6r]|header|li|main|nav"
    r"|[ou]l|p|pre|section|table|t[dhr]"
)
_UNSEEN = {name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in ("script", "style")}
_TAG = re.compile(
    r"""<(?: (?P<comment>!--)
           | (?P<slash>/?) (?P<name>[a-zA-Z][a-zA-Z0-9]*+) (?: [^<>"']++ | "[^"<]*+" | '[^'<]*+' )*+ >
           | [!?/] [^<>]*+ > )""",
    re.VERBOSE,
)
_HUGE_NUMBER = re.compile(r"&#(?:\d{8,}+|[xX][0-9a-fA-F]{7,}+);?")
"""A number of no character, too long for `int`."""


def text_of(html: str) -> str:
    """Return what a reader sees of `html`, in time that grows with its length."""
    lines = (line.strip() for line in "".join(_pieces(html)).split("\n"))
    return "\n".join(filter(None, lines))


def _pieces(html: str) -> Iterator[str]:
    """Yield the texts between the tags, and a line end for each tag of a block."""
    at = 0
    while tag := _TAG.search(html, at):
        yield _characters(html[at : tag.start()])
        name = (tag["name"] or "").lower()
        if _BLOCK.fullmatch(name):
            yield "\n"
        at = _end_of_unseen(html, tag, name)
    yield _characters(html[at:])


def _end_of_unseen(html: str, tag: re.Match[str], name: str) -> int:
    """Return where the text goes on: after the tag, after a comment, or at the end of a script."""
    if tag["comment"]:
        end = html.find("-->", tag.end())
        return len(html) if end < 0 else end + 3
    if name in _UNSEEN and not tag["slash"]:
        closing = _UNSEEN[name].search(html, tag.end())
        return closing.start() if closing else len(html)
    return tag.end()


def _characters(text: str) -> str:
    return unescape(_HUGE_NUMBER.sub("\ufffd", text))
