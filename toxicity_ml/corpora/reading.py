"""Reads files and hub datasets as tables of named cells; knows nothing of what the cells mean."""

import csv
import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from toxicity_ml.errors import DataError
from toxicity_ml.extras import EXTRAS

Row = tuple[int, Mapping[str, Any]]
"""Its number, as an editor or the hub counts it, and its cells by column."""

_UNREADABLE = (
    csv.Error,
    UnicodeDecodeError,
    EOFError,  # a stream that was cut short
    gzip.BadGzipFile,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,  # a zip's compression that Python lacks
    RuntimeError,  # a zip's member has a password
)


@dataclass(frozen=True)
class Table:
    """A table whose rows are read as they are asked for."""

    source: str
    """For messages: the file, with the member of an archive, or the hub dataset."""
    columns: tuple[str, ...]
    rows: Iterable[Row]
    class_names: tuple[str, ...] | None = None
    """What the numbers in column ``label`` stand for, where the source says so."""


def tables(source: str, headerless: bool = False) -> Iterator[Table]:
    """The tables of a source; each is read before the next is asked for.

    headerless: a ``.tsv`` whose first row has no cell ``label`` holds sentence and label from that row on.
    Raises DataError when the source is not there or not readable.
    """
    path = Path(source)
    if path.suffix == ".zip" and path.is_file():
        yield from _members(path, headerless)
    elif path.is_dir():
        raise DataError(f"{source} is a directory: name the files in it.")
    elif path.exists():
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield _table(file, source, path.name.endswith((".tsv", ".tsv.gz")), headerless)
    elif path.suffix in {".csv", ".gz", ".zip", ".tsv"} or path.is_absolute() or source.count("/") != 1:
        raise DataError(f"{source} does not exist.")
    else:
        yield _hub(source)


def _members(path: Path, headerless: bool) -> Iterator[Table]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is not a zip file.") from error
    with archive:
        members = [name for name in archive.namelist() if name.endswith((".csv", ".tsv"))]
        if not members:
            raise DataError(f"{path} holds no .csv or .tsv file.")
        for name in members:
            with _readable(f"{path}:{name}"), archive.open(name) as raw:
                file = io.TextIOWrapper(raw, "utf-8-sig", newline="")
                yield _table(file, f"{path}:{name}", name.endswith(".tsv"), headerless)


def _table(file: TextIO | Any, source: str, tabs: bool, headerless: bool) -> Table:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the default refuses a comment over 131,072 characters
    with _readable(source):
        if tabs:
            return _tsv(file, source, headerless)
        reader = csv.DictReader(file)
        return Table(source, tuple(reader.fieldnames or ()), _guarded(enumerate(reader, start=2), source))


def _tsv(file: TextIO, source: str, headerless: bool) -> Table:
    """Tab-separated without quoting, as SST-2 and GLUE have it: a quotation mark is part of the sentence."""
    reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    first = next(reader, [])
    bare = headerless and len(first) == 2 and first[1].strip().casefold() != "label"
    columns = ("sentence", "label") if bare else tuple(first)

    def rows() -> Iterator[Row]:
        if bare:
            yield 1, dict(zip(columns, first, strict=True))
        for number, cells in enumerate(reader, start=2):
            if len(cells) != len(columns):
                raise DataError(
                    f"{source}, row {number} has {len(cells)} cells between tabs, not {len(columns)}."
                )
            yield number, dict(zip(columns, cells, strict=True))

    return Table(source, columns, _guarded(rows(), source))


def _guarded(rows: Iterable[Row], source: str) -> Iterator[Row]:
    with _readable(source):
        yield from rows


@contextmanager
def _readable(source: str) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        form = "TSV" if source.endswith((".tsv", ".tsv.gz")) else "CSV"
        raise DataError(f"{source} is not readable {form} in UTF-8: {type(error).__name__}.") from error


def _hub(source: str) -> Table:
    try:
        from datasets import load_dataset
    except ModuleNotFoundError as error:
        raise DataError(
            f"{source} is no file here. To look for a dataset of that name on the hub: "
            f"pip install 'django-toxicity-moderation[{EXTRAS['datasets']}]'."
        ) from error

    name, _, split = source.partition(":")
    try:
        dataset = load_dataset(name, split=split or "train")
    except Exception as error:  # the hub client raises many types: network, absence, format
        raise DataError(
            f"{source} is neither a file nor a dataset that can be had from the hub ({type(error).__name__})."
        ) from error
    names = getattr((dataset.features or {}).get("label"), "names", None)
    return Table(
        source, tuple(dataset.column_names), enumerate(dataset), None if names is None else tuple(names)
    )
