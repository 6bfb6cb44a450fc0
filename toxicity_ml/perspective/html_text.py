"""The text of an HTML comment: tags go, entities become characters, blocks stand on lines of their own."""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["text_of"]

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "td",
        "th",
        "tr",
        "ul",
    ]
)
_UNSEEN = frozenset(("script", "style"))


def text_of(html: str) -> str:
    """Return what a reader sees of `html`."""
    reader = _TextReader()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts).strip()


class _TextReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen = tag if tag in _UNSEEN else ""
        self._break_line(tag)

    def handle_endtag(self, tag: str) -> None:
        self.unseen = ""
        self._break_line(tag)

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.parts.append(data)

    def _break_line(self, tag: str) -> None:
        if tag in _BLOCKS and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
