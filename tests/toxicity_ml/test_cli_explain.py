"""``explain`` as a user runs it: streams, files, exit codes."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from toxicity_ml.cli import main


def explain(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    code = main(["explain", *map(str, arguments)])
    return code, *capsys.readouterr()


def explained(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    code, out, err = explain(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients", "leave_one_out"])
def test_json_has_every_word_with_its_places(
    tiny_version: Path, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    text = "\U0001f600 you idiot"
    found = explained(capsys, text, "--model", tiny_version, "--label", "insult", "--method", method)
    assert (found["label"], found["model"], found["method"]) == ("insult", "tiny@1", method)
    assert found["is_complete"] is (None if method == "leave_one_out" else True)
    words = {word["text"]: word for word in found["words"]}
    assert list(words) == ["\U0001f600", "you", "idiot"]
    assert [words["idiot"][key] for key in ("start", "end", "utf16_start", "utf16_end")] == [6, 11, 7, 12]
    assert max(found["words"], key=lambda word: word["value"])["text"] == "idiot"
    assert found["total"] == pytest.approx(sum(word["value"] for word in found["words"]), abs=1e-4)


def test_without_a_label_the_one_that_counts_most_is_explained(
    tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explained(capsys, "i kill you", "--model", tiny_version)["label"] in ("toxic", "threat")


def test_standard_input_is_read_whole(
    tiny_version: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"you\nidiot \xff\n")))
    found = explained(capsys, "-", "--model", tiny_version, "--label", "insult")
    assert [(word["text"], word["start"]) for word in found["words"]] == [("you", 0), ("idiot", 4)]


def test_a_person_sees_the_text_the_words_and_the_sum(
    tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = explain(capsys, "you [b]idiot[/b]\x1b", "--model", tiny_version, "--label", "insult")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("insult 0.") and "tiny@1" in lines[0]
    assert lines[1] == "you [b]idiot[/b]\ufffd"
    assert any(line.split()[0] == "idiot" and "+" in line for line in lines[3:] if line)
    assert "The words sum to" in out and "\x1b" not in out


@pytest.mark.parametrize(
    "options", [("--layer", 1, "--head", 2), ("--all-heads",), ("--all-heads", "--label", "insult")]
)
def test_attention_is_written_as_image_and_page(
    tiny_version: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, options: tuple[object, ...]
) -> None:
    for name, start in (("map.png", b"\x89PNG"), ("map.HTML", b"<!doctype html>")):
        code, out, err = explain(
            capsys, "you idiot", "--model", tiny_version, *options, "--out", tmp_path / name
        )
        assert (code, out, err) == (0, "", "")
        assert (tmp_path / name).read_bytes().startswith(start)


def test_attention_as_json_has_tokens_and_weights(
    tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(capsys, "you idiot", "--model", tiny_version, "--layer", 0, "--head", 3)
    assert found["tokens"] == ["[CLS]", "you", "idiot", "[SEP]"]
    assert [sum(row) for row in found["weights"]] == pytest.approx([1.0] * 4, abs=1e-4)
    everything = explained(capsys, "you idiot", "--model", tiny_version, "--all-heads")
    assert everything["weights"][0][3] == found["weights"]


def test_words_are_written_as_a_page(
    tiny_version: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "words.html"
    assert explain(capsys, "you <i>idiot</i>", "--model", tiny_version, "--out", page)[0] == 0
    assert "&lt;" in page.read_text("utf-8") and "<i>idiot" not in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "1"], "go together"),
        (["--layer", "1", "--head", "1", "--all-heads"], "or for --all-heads"),
        (["--all-heads"], "--out FILE.html"),
        (["--out", "words.png"], "FILE.html for words"),
        (["--all-heads", "--out", "map.pdf"], "FILE.png"),
        (["--layer", "9", "--head", "0", "--json"], "layers are 0 to 1"),
        (["--label", "rude"], "no label 'rude'"),
        (["--out", "/nowhere/words.html"], "/nowhere/words.html cannot be written"),
        (["--model", "/nowhere"], "/nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tiny_version: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = explain(capsys, "you idiot", "--model", tiny_version, *arguments)
    assert (code, out) == (2, "")
    assert message in err and len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
