"""``predict`` on CSV, JSON arrays and other keys, and what its output looks like."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.toxicity_ml.test_cli_predict import COMMAND, predict

pytestmark = pytest.mark.regression("S10")


def as_csv(*rows: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def texts_and_labels(found: list[dict[str, Any]], key: str = "text") -> list[tuple[str, list[str]]]:
    return [(row[key], row["labels"]) for row in found]


RUDE = ["toxic", "insult"]


def test_csv_comes_back_row_by_row_with_all_its_cells(tiny_version: Path, tmp_path: Path) -> None:
    path = tmp_path / "Comments.CSV"
    path.write_bytes(as_csv(["id", "text"], ["7", "you idiot"], ["8", ""], ["9", 'nice,\n"day"']))
    code, found, errors = predict(tiny_version, b"", str(path))
    assert (code, errors) == (0, "")
    assert [row["id"] for row in found] == ["7", "8", "9"]
    assert texts_and_labels(found) == [("you idiot", RUDE), ("", []), ('nice,\n"day"', [])]
    assert all(row["model"] == "tiny@1" and len(row["scores"]) == 6 for row in found)
    assert predict(tiny_version, path.read_bytes(), "--csv") == (0, found, "")


@pytest.mark.parametrize("name", ["comment_text", "text", "sentence"])
def test_the_text_column_of_csv_is_the_one_that_training_would_take(tiny_version: Path, name: str) -> None:
    code, found, _ = predict(tiny_version, as_csv([name, "other"], ["you idiot", "x"]), "--csv")
    assert code == 0
    assert texts_and_labels(found, name) == [("you idiot", RUDE)]


def test_a_column_or_key_can_be_named(tiny_version: Path) -> None:
    named = ["--column", "body"]
    by_csv = predict(tiny_version, as_csv(["text", "body"], ["nice", "you idiot"]), "--csv", *named)
    by_json = predict(tiny_version, b'{"text": "nice", "body": "you idiot"}', *named)
    assert by_csv == by_json
    assert texts_and_labels(by_json[1], "body") == [("you idiot", RUDE)]


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b"id,body\n1,x\n", ["--csv"], "no text column (comment_text, text, sentence); it has id, body."),
        (b"id,body\n1,x\n", ["--csv", "--column", "text"], "no text column (text); it has id, body."),
        (b"text,text\n1,x\n", ["--csv"], "several columns of the same name"),
        (b"", ["--csv"], "it has none"),
        ("text\nx\n".encode("utf-16"), ["--csv"], "not CSV in UTF-8"),
        (b"x", ["--plain", "--column", "text"], "leave --column out"),
        (b"x", ["--column", "labels"], "--column can't be labels"),
    ],
)
def test_input_that_cannot_be_read_at_all_is_one_line(
    tiny_version: Path, content: bytes, options: list[str], said: str
) -> None:
    code, found, errors = predict(tiny_version, content, *options)
    assert (code, found) == (2, [])
    assert said in errors and len(errors.splitlines()) == 1


def test_rows_of_csv_that_are_not_valid_get_an_error_and_the_rest_their_scores(tiny_version: Path) -> None:
    content = (
        b"\xef\xbb\xbfid,text\r\n"
        b'1,"you\r\nidiot"\r\n'
        b"2\r\n"
        b"3,nice,day\r\n"
        b"\r\n"
        b"4,caf\xe9\r\n"
        b'5,"you "idiot" you"\r\n'
        b"6,you idiot\x00\r\n"
        b'7,"never closed\r\n'
    )
    code, found, errors = predict(tiny_version, content, "--csv")
    assert (code, errors) == (1, "")
    assert [(row.get("id"), row.get("line")) for row in found] == [
        ("1", None),
        (None, 4),
        (None, 5),
        (None, 7),
        (None, 8),
        ("6", None),
        (None, 10),
    ]
    assert [row["error"] for row in found[1:4]] == ["1 cells, not 2", "3 cells, not 2", "not UTF-8"]
    assert "quotation mark" in found[4]["error"] and "quotation mark" in found[6]["error"]
    assert found[0]["labels"] == found[5]["labels"] == RUDE


def test_a_long_cell_is_read_and_a_row_that_never_ends_is_not_held(tiny_version: Path) -> None:
    code, found, _ = predict(tiny_version, as_csv(["text"], ["nice day " * 30_000], ["you idiot"]), "--csv")
    assert code == 0 and found[1]["labels"] == RUDE
    endless = b'text\nyou idiot\n"' + (b"nice day\n" * 2_000_000)
    code, found, errors = predict(tiny_version, endless, "--csv")
    assert code == 2
    assert texts_and_labels(found) == [("you idiot", RUDE)]
    assert "begins on line 3" in errors and "never closed" in errors and len(errors.splitlines()) == 1


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n \n"])
def test_a_json_array_of_texts_and_objects_is_read(
    tiny_version: Path, indent: int | None, before: bytes
) -> None:
    elements = ["you idiot", {"text": "nice day", "id": 1}, 5, {"id": 2}, ""]
    code, found, errors = predict(tiny_version, before + json.dumps(elements, indent=indent).encode())
    assert (code, errors) == (1, "")
    assert [row.get("text") for row in found] == ["you idiot", "nice day", None, None, ""]
    assert [row.get("labels") for row in found] == [RUDE, [], None, None, []]
    assert found[1]["id"] == 1
    assert found[2] == {"item": 3, "error": "neither a text nor a JSON object"}
    assert found[3] == {"id": 2, "error": 'no "text" that is a string'}
    assert predict(tiny_version, b"[]\n") == (0, [], "")


def test_lines_that_only_begin_like_an_array_are_lines(tiny_version: Path) -> None:
    for first in (b'["a"]', b"[INFO] x", b"[1, 2", b"[" * 50_000):
        code, found, _ = predict(tiny_version, first + b'\n{"text": "you idiot"}\n')
        assert code == 1
        assert found[0]["line"] == 1 and "error" in found[0]
        assert found[1]["labels"] == RUDE
    _, found, _ = predict(tiny_version, b'["a",\n "b"\n "c"]')
    assert found[0]["error"] == "not JSON; as an array it is not JSON from line 3, column 2 on"


def test_errors_say_what_would_read_it(tiny_version: Path) -> None:
    _, found, _ = predict(tiny_version, b'you idiot\n{"body": "you idiot", "n": 1}\n{"text": \n')
    assert found[0]["error"] == "not JSON; --plain takes each line as a text, --csv reads CSV"
    assert found[1]["error"] == 'no "text" that is a string; --column names another key: body'
    assert found[2]["error"] == "not JSON"


@pytest.mark.parametrize("locale", ["C.UTF-8", "C", "POSIX"])
def test_output_is_readable_utf8_with_nothing_that_steers_a_terminal(tiny_version: Path, locale: str) -> None:
    readable = ["Ты дурак", "你是个白痴", "día", "\U0001f468\u200d\U0001f469"]
    escaped = ["\ud800", "\x9b31m", "\x7f", "\u2028", "\u0085", "\u202e", "\ufeff", "\\\u2028", "\x1b[31m"]
    done = subprocess.run(
        [*COMMAND, "--model", str(tiny_version)],
        input="\n".join(json.dumps({"text": text}) for text in readable + escaped).encode(),
        env={"LC_ALL": locale, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode()
    assert all(text in shown for text in readable)
    assert all(sign.isprintable() or sign in "\n\u200d" for sign in shown)
    assert [json.loads(line)["text"] for line in shown.splitlines()] == readable + escaped


def test_csv_is_answered_while_the_input_stays_open(tiny_version: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--model", str(tiny_version), "--csv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"text\n")
    for text in ("nice day", "you idiot"):
        process.stdin.write(text.encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["text"] == text
    process.stdin.close()
    assert process.wait() == 0


def test_a_directory_or_a_full_disk_is_one_line(tiny_version: Path, tmp_path: Path) -> None:
    code, found, errors = predict(tiny_version, b"", str(tmp_path))
    assert (code, found) == (2, [])
    assert errors == f"error: {tmp_path}: Is a directory\n"
    if not Path("/dev/full").exists():
        return
    with open("/dev/full", "wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "toxicity_ml", "predict", "--model", str(tiny_version)],
            input=b'{"text": "nice"}',
            stdout=out,
            stderr=subprocess.PIPE,
        )
    assert (done.returncode, done.stderr) == (2, b"error: No space left on device\n")
