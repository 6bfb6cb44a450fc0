"""Finds every message for people in the app's sources, as makemessages does, without the gettext programs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation.template import templatize

FUNCTIONS = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURALS = {"ngettext", "ngettext_lazy"}
CONTEXTS = {"pgettext", "pgettext_lazy"}
PLURALS_IN_CONTEXT = {"npgettext", "npgettext_lazy"}
IN_TEMPLATES = re.compile(
    r"""\b(?P<function>gettext|ngettext|pgettext|_)\(\s*(?P<first>u?(?:'''.*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))"""
    r"""(?:\s*,\s*(?P<second>u?(?:'''.*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')))?""",
    re.DOTALL,
)


@dataclass(frozen=True, order=True)
class Message:
    """A text to translate, with its plural and its context where it has them."""

    text: str
    plural: str = ""
    context: str = ""


def of_python(path: Path) -> Iterator[Message]:
    """Yield the messages of a module: constants that the translating functions are called with."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
        if node.func.id in FUNCTIONS and texts:
            yield Message(texts[0])
        elif node.func.id in PLURALS and len(texts) > 1:
            yield Message(texts[0], plural=texts[1])
        elif node.func.id in CONTEXTS and len(texts) > 1:
            yield Message(texts[1], context=texts[0])
        elif node.func.id in PLURALS_IN_CONTEXT and len(texts) > 2:
            yield Message(texts[1], plural=texts[2], context=texts[0])


def of_template(path: Path) -> Iterator[Message]:
    """Yield the messages of a template, by Django's own rewriting of it for xgettext."""
    for match in IN_TEMPLATES.finditer(templatize(path.read_text(encoding="utf-8"))):
        first = ast.literal_eval(match["first"])
        second = ast.literal_eval(match["second"]) if match["second"] else ""
        if match["function"] == "pgettext":
            yield Message(second, context=first)
        elif match["function"] == "ngettext":
            yield Message(first, plural=second)
        else:
            yield Message(first)


def of_app(app: Path) -> set[Message]:
    """Return the messages of all modules and templates of an app."""
    found: set[Message] = set()
    for path in app.rglob("*.py"):
        if "migrations" not in path.parts:
            found.update(of_python(path))
    for path in app.rglob("templates/**/*.html"):
        found.update(of_template(path))
    return {message for message in found if message.text}


CATALOG_LINE = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d)\])? )?(".*")')


@dataclass(frozen=True)
class Translated:
    """One entry of a .po file."""

    message: Message
    forms: tuple[str, ...]
    """The translation; of a message with a plural, one for each form of the language."""
    is_fuzzy: bool


def of_catalog(path: Path) -> Iterator[Translated]:
    """Yield the entries of a .po file, without its header and what is commented out."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        values: dict[tuple[str, str], str] = {}
        key = ("", "")
        for line in block.splitlines():
            if match := CATALOG_LINE.fullmatch(line):
                key = (match[1], match[2] or "") if match[1] else key
                values[key] = values.get(key, "") + ast.literal_eval(match[3])
        text, plural, context = (values.get((each, ""), "") for each in ("msgid", "msgid_plural", "msgctxt"))
        if text:
            forms = tuple(value for (keyword, _), value in sorted(values.items()) if keyword == "msgstr")
            yield Translated(Message(text, plural, context), forms, "#, fuzzy" in block)
