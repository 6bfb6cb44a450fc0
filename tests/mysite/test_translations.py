"""Every word that a page of the app shows can be translated, and every one is in German, too."""

from __future__ import annotations

import gettext
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mysite.demo.environment import BASE_DIR
from tests.mysite.messages import Message, Translated, of_app, of_catalog

APP = BASE_DIR / "moderation"
FOR_DEVELOPERS = {APP / "templates/moderation/api.html"}
"""Documentation beside the OpenAPI document, which is in English as every problem's text of the API is."""
TEMPLATES = sorted(set(APP.rglob("templates/**/*.html")) - FOR_DEVELOPERS)
GERMAN = APP / "locale/de/LC_MESSAGES/django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|{\w*}|%%")
TAG = re.compile(r"</?\w+")
SPOKEN = ("alt", "aria-label", "aria-description", "placeholder", "title", "value")
"""Attributes that people read or hear."""
DJANGO = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
BLOCKS = re.compile(r"{%\s*(blocktrans(?:late)?|comment)\b.*?%}.*?{%\s*end\1\s*%}", re.DOTALL)
WORD = re.compile(r"[^\W\d_]{2,}")
CODE = {"code", "script", "style"}
CLASSES = re.compile(r"{%\s*block bodyclass\s*%}.*?{%\s*endblock\s*%}", re.DOTALL)
"""A block of Django's admin within an attribute: its words are names of classes."""


class _Words(HTMLParser):
    """Collects the words of a template that stand outside of its tags for translation."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within.append(tag)
        is_button = tag in ("button", "input")
        for name, value in attrs:
            if name in SPOKEN and value and (name != "value" or (is_button and ("type", "submit") in attrs)):
                self.words += WORD.findall(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            while self._within.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not CODE.intersection(self._within):
            self.words += WORD.findall(data)


def untranslated(template: str) -> list[str]:
    parser = _Words()
    parser.feed(DJANGO.sub("", CLASSES.sub("", BLOCKS.sub("", template))))
    return parser.words


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(Path(path).relative_to(APP)))
def test_no_word_of_a_template_is_left_untranslatable(path: Path) -> None:
    assert untranslated(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "template",
    [
        "<p>Hello</p>",
        '<a title="Read it">{{ x }}</a>',
        '<input type="submit" value="Save">',
        "{% translate 'Yes' %} and no",
    ],
)
def test_a_word_without_a_tag_for_translation_is_found(template: str) -> None:
    assert untranslated(template)


class _Missing(gettext.NullTranslations):
    """Says which message the compiled catalog lacks."""

    def gettext(self, message: str) -> str:
        raise LookupError(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise LookupError(msgid1)

    def pgettext(self, context: str, message: str) -> str:
        raise LookupError(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        raise LookupError(msgid1)


def compiled(path: Path) -> gettext.GNUTranslations:
    """Read a .mo file so that a message that it lacks raises LookupError."""
    with path.open("rb") as file:
        catalog = gettext.GNUTranslations(file)
    catalog.add_fallback(_Missing())
    return catalog


def forms_of(catalog: gettext.GNUTranslations, message: Message) -> tuple[str, ...]:
    """Return what the compiled catalog has for a message. Raises LookupError where it has nothing."""
    text, plural, context = message.text, message.plural, message.context
    if plural:
        return tuple(
            catalog.npgettext(context, text, plural, number)
            if context
            else catalog.ngettext(text, plural, number)
            for number in (1, 2)
        )
    return (catalog.pgettext(context, text) if context else catalog.gettext(text),)


def faults_of(entry: Translated) -> list[str]:
    """Say what is wrong with a translation: empty, unsure, or with other placeholders or tags."""
    message, forms = entry.message, entry.forms
    originals = [message.text, message.plural] if message.plural else [message.text]
    faults = ["fuzzy"] if entry.is_fuzzy else []
    if len(forms) != len(originals) or not all(forms):
        return [*faults, "not translated"]
    for original, form in zip(originals, forms, strict=True):
        if Counter(PLACEHOLDER.findall(original)) != Counter(PLACEHOLDER.findall(form)):
            faults.append(f"other placeholders: {form}")
        if Counter(TAG.findall(original)) != Counter(TAG.findall(form)):
            faults.append(f"other tags: {form}")
    return faults


def test_the_german_catalog_has_each_message_of_the_sources_and_no_other() -> None:
    messages = of_app(APP)
    assert len(messages) > 900
    catalog = {entry.message for entry in of_catalog(GERMAN)}
    assert messages - catalog == set(), "add these to the .po: django-admin makemessages -l de"
    assert catalog - messages == set(), "no page says these any more"


def test_each_message_is_in_german_with_its_placeholders_and_tags() -> None:
    faults = {entry.message.text: wrong for entry in of_catalog(GERMAN) if (wrong := faults_of(entry))}
    assert faults == {}


def test_the_compiled_catalog_is_what_the_readable_one_says() -> None:
    catalog = compiled(GERMAN.with_suffix(".mo"))
    stale = []
    for entry in of_catalog(GERMAN):
        try:
            is_same = forms_of(catalog, entry.message) == entry.forms
        except LookupError:
            is_same = False
        if not is_same:
            stale.append(entry.message.text)
    assert stale == [], "compile it: django-admin compilemessages"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (Translated(Message("Save"), ("",), is_fuzzy=False), "not translated"),
        (Translated(Message("a day", plural="days"), ("ein Tag",), is_fuzzy=False), "not translated"),
        (Translated(Message("Save"), ("Sichern",), is_fuzzy=True), "fuzzy"),
        (Translated(Message("by %(who)s"), ("von %(wer)s",), is_fuzzy=False), "other placeholders"),
        (Translated(Message("{who} left"), ("weg",), is_fuzzy=False), "other placeholders"),
        (Translated(Message("<b>no</b>"), ("<b>nein",), is_fuzzy=False), "other tags"),
    ],
)
def test_a_fault_of_a_translation_is_told(entry: Translated, fault: str) -> None:
    assert any(fault in each for each in faults_of(entry))


def test_a_message_that_the_compiled_catalog_lacks_is_told() -> None:
    with pytest.raises(LookupError):
        forms_of(compiled(GERMAN.with_suffix(".mo")), Message("No page says this."))
