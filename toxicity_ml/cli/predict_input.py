"""The texts that ``predict`` is given: JSON Lines, a JSON array, CSV or plain lines, and what is wrong with
those that can't be scored. JSON Lines, CSV and plain lines are read as they are asked for."""

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from toxicity_ml.corpora.labelling import text_column
from toxicity_ml.errors import DataError

Form = Literal["json", "csv", "plain"]

MAX_LINE = 16 * 2**20
"""Bytes of a line or a CSV row; a longer one is not valid, and is not held in memory."""
MAX_ARRAY = 256 * 2**20
"""Bytes of a JSON array, which is held in memory whole."""
OURS = frozenset({"scores", "labels", "model", "error"})
"""Keys that only an answer has: what the input brings under them is dropped."""
_BOM = b"\xef\xbb\xbf"
_LISTED = 8
"""Keys named in an error."""


@dataclass(frozen=True)
class Item:
    """One text of the input: what to write back, and the text, None where it is not valid."""

    answer: dict[str, Any]
    text: str | None


def items(source: BinaryIO, form: Form, column: str | None, name: str) -> Iterator[Item]:
    """The texts of a source in their order.

    column: the CSV column or JSON key of the text; None is the key ``text``, or in CSV the first of
    ``corpora.TEXT_COLUMNS`` that is there. name: the source's, for messages. Raises DataError for CSV without
    that column and for a row of CSV that does not end.
    """
    if form == "plain":
        return _plain(source)
    if form == "csv":
        return _csv(source, column, name)
    return _json(source, "text" if column is None else column)


def _plain(source: BinaryIO) -> Iterator[Item]:
    for number, line in _numbered(source):
        if line is None:
            yield _too_long(number)
        else:
            text = line.decode("utf-8", errors="replace")
            yield Item({"text": text}, text)


def _json(source: BinaryIO, key: str) -> Iterator[Item]:
    ahead = _through_first_line(source)
    complaint = None
    if ahead.removeprefix(_BOM).lstrip()[:1] == b"[":
        if isinstance(_array(ahead), list):  # on one line: JSON Lines if another line follows
            ahead += _through_first_line(source)
        else:
            ahead += source.read(max(0, MAX_ARRAY + 1 - len(ahead)))
        elements_or_complaint = _array(ahead)
        if isinstance(elements_or_complaint, list):
            yield from _elements(elements_or_complaint, key)
            return
        complaint = elements_or_complaint
    for number, line in _numbered(_Ahead(ahead, source)):
        if line is None:
            yield _too_long(number)
        elif line.strip():
            yield _parsed(line, number, key, complaint)
            complaint = None  # it is of the line that the array would begin on


def _through_first_line(source: BinaryIO) -> bytes:
    """What stands before the first line that is not blank, and that line; a part of either if it is long."""
    read = b""
    while len(read) < MAX_LINE:
        line = source.readline(MAX_LINE + 1)
        read += line
        if not line or line.strip():
            break
    return read


def _array(content: bytes) -> list[Any] | str:
    """The elements of a JSON array, or an error for what is none."""
    if len(content) > MAX_ARRAY:
        return f"an array of more than {MAX_ARRAY} bytes is not read: give JSON Lines"
    try:
        loaded = _loaded(content)
    except json.JSONDecodeError as error:
        return f"as an array it is not JSON from line {error.lineno}, column {error.colno} on"
    except (ValueError, RecursionError):
        return "as an array it is not JSON in UTF-8"
    return loaded if isinstance(loaded, list) else "it is no array"


def _elements(found: list[Any], key: str) -> Iterator[Item]:
    for number, element in enumerate(found, start=1):
        if isinstance(element, str):
            yield Item({"text": element}, element)
        elif isinstance(element, dict):
            yield _of_object(element, key)
        else:
            yield Item({"item": number, "error": "neither a text nor a JSON object"}, None)


def _parsed(line: bytes, number: int, key: str, complaint: str | None) -> Item:
    try:
        value = _loaded(line)
    except UnicodeDecodeError:
        return Item({"line": number, "error": "not UTF-8"}, None)
    except (ValueError, RecursionError):
        reason = "not JSON"
        if complaint is not None:
            reason += f"; {complaint}"
        elif not line.removeprefix(_BOM).lstrip().startswith((b"{", b"[")):
            reason += "; --plain takes each line as a text, --csv reads CSV"
        return Item({"line": number, "error": reason}, None)
    if not isinstance(value, dict):
        return Item({"line": number, "error": "not a JSON object"}, None)
    return _of_object(value, key)


def _of_object(value: dict[str, Any], key: str) -> Item:
    kept = {name: found for name, found in value.items() if name not in OURS}
    text = value.get(key)
    if isinstance(text, str):
        return Item(kept, text)
    reason = f'no "{key}" that is a string'
    others = [name for name, found in kept.items() if isinstance(found, str)][:_LISTED]
    if others:
        reason += f"; --column names another key: {', '.join(others)}"
    return Item({**kept, "error": reason}, None)


def _loaded(content: bytes) -> Any:
    """Raises UnicodeDecodeError, another ValueError or RecursionError for what is not JSON in UTF-8."""
    return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(number: str) -> float:
    """A number too large for a float would be written as Infinity, which is not JSON. Raises ValueError."""
    if math.isinf(value := float(number)):
        raise ValueError("out of range")
    return value


def _csv(source: BinaryIO, column: str | None, name: str) -> Iterator[Item]:
    csv.field_size_limit(MAX_LINE)
    lines = _CsvLines(source, name)
    reader = csv.reader(lines, strict=True)
    header = _header(reader, name)
    place = header.index(text_column(name, header, column))
    if len(set(header)) < len(header):
        raise DataError(f"{name} has several columns of the same name: {', '.join(header)}.")
    while True:
        number = lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Item({"line": number, "error": "not CSV: look for a quotation mark too many"}, None)
            continue
        if not cells:
            continue
        if not _is_utf8(cells):
            yield Item({"line": number, "error": "not UTF-8"}, None)
        elif len(cells) != len(header):
            yield Item({"line": number, "error": f"{len(cells)} cells, not {len(header)}"}, None)
        else:
            row = zip(header, cells, strict=True)
            yield Item({key: cell for key, cell in row if key not in OURS}, cells[place])


def _header(reader: Iterator[list[str]], name: str) -> tuple[str, ...]:
    try:
        header = tuple(next(reader, ()))
    except csv.Error as error:
        raise DataError(f"{name} does not begin with a header of CSV.") from error
    if not _is_utf8(header):
        raise DataError(f"{name} is not CSV in UTF-8: its header is not.")
    return header


def _is_utf8(cells: list[str] | tuple[str, ...]) -> bool:
    """True where every byte of these cells was UTF-8."""
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True


class _CsvLines:
    """Lines for ``csv.reader`` that counts them, and that gives up on a row which does not end."""

    def __init__(self, source: BinaryIO, name: str) -> None:
        self._source = source
        self._name = name
        self._number = 0
        self._start = 1
        self._bytes = 0

    def begin_row(self) -> int:
        """Return the number of the line that the next row begins on."""
        self._start, self._bytes = self._number + 1, 0
        return self._start

    def __iter__(self) -> "_CsvLines":
        return self

    def __next__(self) -> str:
        line = self._source.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self._bytes += len(line)
        if self._bytes > MAX_LINE:
            raise DataError(
                f"{self._name}: the row that begins on line {self._start} is longer than {MAX_LINE} bytes; "
                "is there a quotation mark that is never closed?"
            )
        if self._number == 1:
            line = line.removeprefix(_BOM)
        return line.decode("utf-8", errors="surrogateescape")


class _Ahead:
    """A source of which a part was read already, for ``readline``."""

    def __init__(self, ahead: bytes, source: BinaryIO) -> None:
        self._ahead = io.BytesIO(ahead)
        self._source = source

    def readline(self, size: int) -> bytes:
        line = self._ahead.readline(size)
        if line.endswith(b"\n") or len(line) == size:
            return line
        return line + self._source.readline(size - len(line))


def _numbered(source: "BinaryIO | _Ahead") -> Iterator[tuple[int, bytes | None]]:
    """Lines without their ending, from 1; None for each one longer than MAX_LINE, which is read past."""
    number = 0
    while line := source.readline(MAX_LINE + 1):
        number += 1
        if len(line) <= MAX_LINE:
            yield number, line.rstrip(b"\r\n")
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(MAX_LINE)
        yield number, None


def _too_long(number: int) -> Item:
    return Item({"line": number, "error": f"the line is longer than {MAX_LINE} bytes"}, None)
