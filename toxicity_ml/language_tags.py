"""BCP 47 language tags: which strings are one, and which language a tag names. Knows no texts."""

import re

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}")
_OLD_CODES = {"in": "id", "iw": "he", "jw": "jv", "nb": "no", "nn": "no"}
"""Codes that a text's language is not told by: withdrawn ones, and the two ways to write Norwegian."""


def is_language_tag(value: object) -> bool:
    """True: the value is a language tag as BCP 47 writes it, such as ``en``, ``pt-BR`` or ``zh-Hant``."""
    return isinstance(value, str) and _TAG.fullmatch(value) is not None


def language_of(tag: str) -> str:
    """The language that a tag names, without region and script, in lower case: ``pt`` of ``pt-BR``."""
    code = tag.partition("-")[0].lower()
    return _OLD_CODES.get(code, code)
