"""Shows stored JSON to people: as tables, and as lines that say what changed. Every value may be hostile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from moderation.admin.display.safe_text import shortened, visible
from moderation.admin.display.stored_names import code_of, name_of, path_of

COLUMNS = 9
"""A table of tables has as many at most; larger ones are nested."""
VALUE_CHARACTERS = 120
IN_A_LINE = 3
"""Plain values that are written beside each other, and not below."""
LINES = 12
"""Of what changed, in a list."""
_NOTHING = "\u2013"


def as_table(value: Any) -> SafeString:
    """Return stored JSON as a table, with tables inside where it goes deeper; a single value as it reads."""
    return _of_mapping(value) if isinstance(value, Mapping) and value else _inner(value)


def as_line(value: Mapping[str, Any]) -> SafeString:
    """Return stored JSON in one line, such as "outcome: hide, decision: uphold"."""
    leaves = dict(_leaves(value))
    lines = ((_name(key), _short(_as_words(_named(key, leaves)))) for key in leaves)
    return format_html_join(", ", "{}: {}", lines)


def _inner(value: Any, key: str = "") -> SafeString:
    if isinstance(value, Mapping) and value and not _fits_a_line(value):
        return _of_mapping(value)
    if isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
        return _of_mapping({str(place): each for place, each in enumerate(value, 1)})
    return _short(_as_words(code_of(key, value)))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> SafeString:
    """Return a line for each value that changed, such as "toxic, flag: 0.3 -> 0.6", LINES at most."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    changed = [key for key in dict.fromkeys([*old, *new]) if old.get(key, _NOTHING) != new.get(key, _NOTHING)]
    lines = [
        (_name(key), _change(_named(key, old), _named(key, new), was_there=key in old))
        for key in changed[:LINES]
    ]
    rest = len(changed) - len(lines)
    listed = format_html_join("", "<li>{}: {}</li>", lines)
    more = format_html("<li>{}</li>", _("and %(count)s more") % {"count": rest}) if rest else ""
    return format_html('<ul class="moderation-changes">{}{}</ul>', listed, more)


def excerpt(text: str, characters: int = VALUE_CHARACTERS) -> SafeString:
    """Return the beginning of somebody's words, isolated from what stands around them."""
    beginning, is_shortened = shortened(text, characters, 2)
    return format_html('<bdi dir="auto">{}{}</bdi>', visible(beginning), " \u2026" if is_shortened else "")


def _of_mapping(value: Mapping[str, Any]) -> SafeString:
    rows = list(value.values())
    # sorted, as PostgreSQL keeps no order of the keys of stored JSON
    columns = sorted({key for row in rows if isinstance(row, Mapping) for key in row})
    is_matrix = all(isinstance(row, Mapping) and row and not _is_deep(row) for row in rows)
    if is_matrix and len(columns) <= COLUMNS:
        return _matrix(value, columns)
    pairs = ((_name(name), _inner(each, name)) for name, each in value.items())
    body = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', pairs)
    return format_html('<table class="moderation-table"><tbody>{}</tbody></table>', body)


def _matrix(value: Mapping[str, Mapping[str, Any]], columns: Sequence[str]) -> SafeString:
    head = format_html_join("", '<th scope="col">{}</th>', ((_name(column),) for column in columns))
    body = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        ((_name(name), _cells(row, columns)) for name, row in value.items()),
    )
    return format_html(
        '<table class="moderation-table"><thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table>',
        head,
        body,
    )


def _cells(row: Mapping[str, Any], columns: Sequence[str]) -> SafeString:
    return format_html_join("", "<td>{}</td>", ((_inner(row.get(column), column),) for column in columns))


def _is_deep(row: Mapping[str, Any]) -> bool:
    """True where a value of the row is a table of its own."""
    return any(_is_nested(value) for value in row.values())


def _is_nested(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(each, Mapping | list) for each in value)
    return isinstance(value, Mapping) and not _fits_a_line(value)


def _fits_a_line(value: Mapping[str, Any]) -> bool:
    """True of a few plain values, such as an estimate with its interval."""
    return len(value) <= IN_A_LINE and not any(isinstance(each, Mapping | list) for each in value.values())


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Return (path, value) of each value that is no mapping, in their order."""
    for key, each in value.items():
        name = f"{path}, {key}" if path else str(key)
        if isinstance(each, Mapping) and each:
            yield from _leaves(each, name)
        else:
            yield name, each


def _change(before: Any, after: Any, was_there: bool) -> SafeString:
    if not was_there:
        return _short(_as_words(after))
    return format_html("{} \u2192 {}", _short(_as_words(before)), _short(_as_words(after)))


def _name(key: str) -> SafeString:
    return _short(path_of(str(key)))


def _named(path: str, leaves: Mapping[str, Any]) -> Any:
    """Return the value at the path, with a code of ours named."""
    return code_of(path.rpartition(", ")[2], leaves.get(path))


def _as_words(value: Any) -> str:
    if value is None or value in ("", {}, []):
        return _NOTHING
    if isinstance(value, Mapping):
        return _line(value)
    if isinstance(value, list):
        return ", ".join(map(_as_words, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if not isinstance(value, float):
        return str(value)
    digits = f"{value:.4g}"
    return digits if "e" in digits or not math.isfinite(value) else number_format(digits, use_l10n=True)


def _line(value: Mapping[str, Any]) -> str:
    if set(value) == {"value", "low", "high"}:
        number, low, high = (_as_words(value[key]) for key in ("value", "low", "high"))
        return f"{number} ({low}\u2013{high})"
    return ", ".join(f"{name_of(str(key))} {_as_words(each)}" for key, each in value.items())


def _short(words: str) -> SafeString:
    return visible(words if len(words) <= VALUE_CHARACTERS else words[:VALUE_CHARACTERS] + "\u2026")
