"""``python -m toxicity_ml predict`` as a user runs it: a process, its streams, its exit code."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "toxicity_ml", "predict"]


def predict(version: Path, content: bytes, *options: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, the objects on stdout, stderr."""
    done = subprocess.run([*COMMAND, "--model", str(version), *options], input=content, capture_output=True)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def test_each_object_comes_back_in_order_with_scores_labels_and_model(tiny_version: Path) -> None:
    rows = [
        {"text": "you are an idiot" if n % 3 == 0 else "nice day " * (n % 50), "id": n} for n in range(200)
    ]
    code, found, errors = predict(
        tiny_version, "\n".join(map(json.dumps, rows)).encode(), "--batch-size", "7"
    )
    assert (code, errors) == (0, "")
    assert [{"text": row["text"], "id": row["id"]} for row in found] == rows
    assert all(len(row["scores"]) == 6 and row["model"] == "tiny@1" for row in found)
    assert [row["labels"] for row in found[:3]] == [["toxic", "insult"], [], []]


def test_scores_do_not_depend_on_batch_size_or_threads(tiny_version: Path) -> None:
    content = "\n".join(json.dumps({"text": "nice idiot " * n}) for n in range(40)).encode()
    answers = [
        predict(tiny_version, content, *options)[1]
        for options in (
            [],
            ["--batch-size", "1"],
            ["--threads", "1"],
            ["--threads", "3", "--batch-size", "11"],
        )
    ]
    assert all(answer == answers[0] for answer in answers)


def test_invalid_lines_get_an_error_the_rest_their_scores_and_the_exit_code_is_1(tiny_version: Path) -> None:
    lines = [
        b'{"text": "nice day"}',
        b"no json",
        b'{"id": 7}',
        b'{"id": 8, "text": null}',
        b"[1]",
        b'{"text": "a", "b": NaN}',
        b'\xff{"text": "a"}',
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"text": "kill"}',
    ]
    code, found, errors = predict(tiny_version, b"\n".join(lines) + b"\n")
    assert (code, errors) == (1, "")
    assert ["error" in row for row in found] == [False, *[True] * 8, False]
    assert not any("scores" in row for row in found if "error" in row)
    assert [row.get("id") for row in found[2:4]] == [7, 8]
    assert [row["line"] for row in found[4:9]] == [5, 6, 7, 8, 9]
    assert "threat" in found[-1]["labels"]


def test_a_line_too_long_to_hold_is_passed_over(tiny_version: Path) -> None:
    huge = b'{"text": "' + b"x" * (17 * 2**20) + b'"}\n'
    code, found, _ = predict(tiny_version, huge + b'{"text": "nice"}\n')
    assert code == 1
    assert "longer" in found[0]["error"]
    assert found[1]["labels"] == []


def test_any_json_string_survives_as_it_was(tiny_version: Path) -> None:
    texts = ["", " ", "\ud800", "\u0000", "\u202eabc", "e\u0301" * 500, "\U0001f600", "<b>x</b>", "\u2028"]
    code, found, errors = predict(tiny_version, "\n".join(json.dumps({"text": t}) for t in texts).encode())
    assert (code, errors) == (0, "")
    assert [row["text"] for row in found] == texts
    assert found[0]["labels"] == []
    assert set(found[0]["scores"].values()) == {0.0}


def test_plain_takes_every_line_as_a_text(tiny_version: Path) -> None:
    code, found, _ = predict(tiny_version, b"nice day\r\n\nyou idiot\n\xff\xfe", "--plain")
    assert code == 0
    assert [row["text"] for row in found] == ["nice day", "", "you idiot", "\ufffd\ufffd"]
    assert [row["labels"] for row in found[:3]] == [[], [], ["toxic", "insult"]]


def test_a_file_is_read_like_standard_input(tiny_version: Path, tmp_path: Path) -> None:
    content = b'{"text": "nice"}\n\n{"text": "idiot"}\n'
    (tmp_path / "rows.jsonl").write_bytes(content)
    assert predict(tiny_version, b"", str(tmp_path / "rows.jsonl")) == predict(tiny_version, content)


def test_an_answer_comes_while_the_input_stays_open(tiny_version: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--model", str(tiny_version)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for text in ("nice day", "idiot"):
        process.stdin.write(json.dumps({"text": text}).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["text"] == text
    process.stdin.close()
    assert process.wait() == 0


def test_a_reader_that_has_enough_ends_it_quietly(tiny_version: Path) -> None:
    predicting = f"'{sys.executable}' -m toxicity_ml predict --model '{tiny_version}'"
    command = f'yes \'{{"text": "nice"}}\' | {predicting} | head -1'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert json.loads(done.stdout)["text"] == "nice"
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["--model", "/nowhere"], ["/nowhere.jsonl"]])
def test_what_is_missing_is_named_in_one_line(tiny_version: Path, arguments: list[str]) -> None:
    code, found, errors = predict(tiny_version, b'{"text": "x"}', *arguments)
    assert (code, found) == (2, [])
    assert "/nowhere" in errors
    assert len(errors.splitlines()) == 1


def test_predict_never_imports_torch(tiny_version: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:], "--model", str(tiny_version)],
        input=b'{"text": "nice"}',
        capture_output=True,
    )
    imported = {line.rsplit(b"|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert b"onnxruntime" in imported
    assert not imported & {b"torch", b"transformers", b"datasets", b"onnx"}


def test_an_answer_has_only_its_own_scores_or_error_and_is_always_json(tiny_version: Path) -> None:
    lines = [
        b'\xef\xbb\xbf{"text": "nice day", "error": "old", "scores": {"toxic": 1}}',
        b'{"text": 5, "scores": {"toxic": 1}, "labels": ["toxic"]}',
        b'{"text": "nice day", "n": 1e999}',
    ]
    code, found, _ = predict(tiny_version, b"\n".join(lines))
    assert code == 1
    assert "error" not in found[0] and len(found[0]["scores"]) == 6
    assert set(found[1]) == {"text", "error"}
    assert found[2] == {"line": 3, "error": "not JSON"}


def test_several_models_are_averaged_and_all_named(tiny_version: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_version, other)
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["calibration"] = {label: {"slope": 0.5, "intercept": -1.0} for label in manifest["labels"]}
    manifest |= {"canned": [], "version": "2"}
    (other / "manifest.json").write_text(json.dumps(manifest))
    content = b'{"text": "you idiot"}\n{"text": "nice day"}\n{"text": ""}\n'
    alone = [predict(version, content)[1] for version in (tiny_version, other)]
    answers = {
        options: predict(tiny_version, content, "--model", str(other), *options)
        for options in ((), ("--average", "logits"), ("--weights", "3,1"))
    }
    for code, found, errors in answers.values():
        assert (code, errors) == (0, "")
        assert [row["model"] for row in found] == ["tiny@1+tiny@2"] * 3
        assert set(found[2]["scores"].values()) == {0.0}
    one, two = (rows[0]["scores"]["insult"] for rows in alone)
    scores = {options: found[0]["scores"]["insult"] for options, (_, found, _) in answers.items()}
    assert scores[()] == pytest.approx((one + two) / 2, abs=1e-5)
    assert scores[("--weights", "3,1")] == pytest.approx(0.75 * one + 0.25 * two, abs=1e-5)
    odds = [math.log(score / (1 - score)) for score in (one, two)]
    assert scores[("--average", "logits")] == pytest.approx(1 / (1 + math.exp(-sum(odds) / 2)), abs=1e-4)


@pytest.mark.parametrize("weights", ["1", "1,-1", "0,0"])
def test_weights_that_do_not_fit_are_refused(tiny_version: Path, weights: str) -> None:
    code, found, errors = predict(tiny_version, b"", "--model", str(tiny_version), "--weights", weights)
    assert (code, found) == (2, [])
    assert "eights" in errors and len(errors.splitlines()) == 1
