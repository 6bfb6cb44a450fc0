"""Reading labelled comments: every accepted form, and a clear error for every other."""

import csv
import gzip
import io
import math
import zipfile
from pathlib import Path

import pytest

from toxicity_ml import corpora
from toxicity_ml.errors import DataError
from toxicity_ml.labels import JIGSAW_LABELS

HEADER = ["id", "comment_text", *JIGSAW_LABELS]
ROWS = [
    ["1", 'He said "no",\nthen left.', "0", "0", "0", "0", "0", "0"],
    ["2", "you utter fool", "1", "0", "0", "0", "1", "0"],
]


def as_csv(rows: list[list[str]], header: list[str] = HEADER) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header, *rows])
    return buffer.getvalue()


@pytest.fixture(params=["csv", "csv.gz", "zip", "csv with BOM"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text = as_csv(ROWS)
    if request.param == "csv.gz":
        path = tmp_path / "train.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
    elif request.param == "zip":
        path = tmp_path / "train.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("train.csv", text)
    else:
        path = tmp_path / "train.csv"
        path.write_text(text, encoding="utf-8-sig" if "BOM" in request.param else "utf-8", newline="")
    return path


def test_every_file_form_gives_the_same_rows_in_order(source: Path) -> None:
    rows = corpora.load([source])
    assert list(rows["text"]) == [row[1] for row in ROWS]
    assert [list(labels) for labels in rows["labels"]] == [[0.0] * 6, [1.0, 0, 0, 0, 1.0, 0]]
    assert list(rows["weight"]) == [1.0, 1.0]


def test_sources_are_joined_in_the_order_given(source: Path) -> None:
    assert len(corpora.load([source, source])) == 4


def test_an_empty_label_is_masked(tmp_path: Path) -> None:
    path = tmp_path / "reviewed.csv"
    path.write_text(as_csv([["1", "half looked at", "1", "", "", "0", "0.25", ""]]))
    labels = corpora.load([path])["labels"][0]
    assert [value for value in labels if not math.isnan(value)] == [1.0, 0.0, 0.25]
    assert math.isnan(labels[1])


def test_a_comment_of_a_megabyte_and_a_lone_surrogate_are_read(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(as_csv([["1", "x" * 1_000_000, "0", "0", "0", "0", "0", "0"]]))
    assert len(corpora.load([path])["text"][0]) == 1_000_000
    rows = corpora.from_rows([{"text": "a \ud800 b", "labels": [0.0] * 6}])
    assert rows["text"][0] == "a ? b"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,comment_text,toxic\n1,a,0\n", "no column severe_toxic"),
        (as_csv([], ["id", *JIGSAW_LABELS]), "no text column"),
        (as_csv([]), "no rows"),
        (
            as_csv([["1", "a", "2", "0", "0", "0", "0", "0"]]),
            "row 2, column toxic: '2' is not a number from 0 to 1",
        ),
        (as_csv([["1", "a", "yes", "0", "0", "0", "0", "0"]]), "column toxic: 'yes'"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        corpora.load([path])


def test_bytes_that_are_not_utf8_or_not_gzip_are_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(as_csv([["1", "caf\xe9", "0", "0", "0", "0", "0", "0"]]).encode("latin-1"))
    with pytest.raises(DataError, match="not readable CSV"):
        corpora.load([path])
    late = tmp_path / "late.csv"
    late.write_bytes(as_csv([["1", "a" * 100_000, "0", "0", "0", "0", "0", "0"]]).encode() + b"2,caf\xe9")
    with pytest.raises(DataError, match="not readable CSV"):
        corpora.load([late])
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(as_csv(ROWS * 50).encode())[:-30])
    with pytest.raises(DataError, match="not readable CSV"):
        corpora.load([cut])
    no_zip = tmp_path / "no.zip"
    no_zip.write_bytes(b"not a zip")
    with pytest.raises(DataError, match="not a zip file"):
        corpora.load([no_zip])
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(b"not gzip")
    with pytest.raises(DataError, match="not readable CSV"):
        corpora.load([broken])


def test_a_missing_file_and_a_dataset_out_of_reach_are_a_data_error() -> None:
    with pytest.raises(DataError, match="does not exist"):
        corpora.load(["no/such/file.csv"])
    with pytest.raises(DataError, match="does not exist"):
        corpora.load(["no/such/file.tsv"], corpora.SST2_CLASSES, "single_label")
    with pytest.raises(DataError, match="neither a file nor a dataset"):
        corpora.load(["nobody/no-such-dataset"])
    with pytest.raises(DataError, match="name at least one"):
        corpora.load([])


def test_natural_weights_restore_the_population_shares(tmp_path: Path) -> None:
    patterns = tmp_path / "patterns.csv"
    patterns.write_text("toxic,insult,rows\n0,0,90\n1,0,6\n1,1,4\n")
    labels = [[0, 0]] * 5 + [[1, 0]] * 3 + [[1, 1]] * 2
    weights = corpora.natural_weights(labels, patterns)
    assert sum(weights) == pytest.approx(len(labels))
    toxic = sum(weight for weight, row in zip(weights, labels, strict=True) if row[0])
    assert toxic / sum(weights) == pytest.approx(0.10)


def test_natural_weights_refuse_a_masked_label(tmp_path: Path) -> None:
    patterns = tmp_path / "patterns.csv"
    patterns.write_text("toxic,rows\n0,90\n")
    with pytest.raises(DataError, match="masked labels"):
        corpora.natural_weights([[0.0], [math.nan]], patterns)
