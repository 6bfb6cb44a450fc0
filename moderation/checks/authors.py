"""Start-up checks of AUTHOR_RULES."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

RULES = {"hold": {"of_last", "hidden"}, "never_hold": {"overturned"}}
MOST = 50
"""Decisions about an author that a rule can ask for."""


def check_author_rules(given: Any) -> Iterator[CheckMessage]:
    """Check that the setting is one of its forms, with numbers that can be reached."""
    if not given:
        return
    if isinstance(given, str):
        yield from _check_path(given)
    elif not isinstance(given, Mapping) or not all(_is_rule(name, rule) for name, rule in given.items()):
        form = '{"hold": {"of_last": 10, "hidden": 5}, "never_hold": {"overturned": 5}}'
        hint = f"Numbers are from 1 to {MOST}, and hidden is not over of_last."
        message = f'MODERATION["AUTHOR_RULES"] must be {form}, a part of it, or a dotted path.'
        yield Error(message, hint=hint, id="moderation.E042")


def _check_path(path: str) -> Iterator[CheckMessage]:
    try:
        is_callable = callable(import_string(path))
    except ImportError:
        is_callable = False
    if not is_callable:
        message = f'MODERATION["AUTHOR_RULES"]: {path!r} leads to nothing that can be called.'
        yield Error(message, id="moderation.E042")


def _is_rule(name: object, rule: object) -> bool:
    if not isinstance(name, str) or not isinstance(rule, Mapping) or set(rule) != RULES.get(name):
        return False
    is_number = all(type(value) is int and 1 <= value <= MOST for value in rule.values())
    return is_number and rule.get("hidden", 1) <= rule.get("of_last", MOST)
