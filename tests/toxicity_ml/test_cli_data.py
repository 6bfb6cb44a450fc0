"""What the commands make of data in other columns, with other labels, or that can't be read or written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from toxicity_ml import corpora
from toxicity_ml.cli import main
from toxicity_ml.corpora import Columns
from toxicity_ml.errors import DataError
from toxicity_ml.labels import JIGSAW_LABELS

ROWS = [
    (f"you {'idiot' if n % 3 == 0 else 'friend'} number {n} nice day", int(n % 3 == 0)) for n in range(180)
]


def written(path: Path, head: str, rows: list[tuple[str, int]] = ROWS) -> Path:
    path.write_text(head + "\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


@pytest.mark.regression("S10")
def test_evaluate_takes_the_labels_that_are_there_and_names_the_others(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, page = written(tmp_path / "one.csv", "text,insult"), tmp_path / "page.html"
    call = ["evaluate", "--model", str(tiny_version), "--data", str(data), "--resamples", "20"]
    assert main([*call, "--json", "--report", str(page)]) == 0
    found = json.loads(capsys.readouterr().out)
    others = [label for label in JIGSAW_LABELS if label != "insult"]
    assert (found["labels"], found["left_out"]) == (["insult"], others)
    figures = found["parts"]["one.csv"]["tiny@1"]
    assert set(figures["labels"]) == {"insult"} and figures["labels"]["insult"]["positives"] == 60
    assert figures["labels"]["insult"]["recall"]["value"] > 0.5
    assert figures["site"]["rows"] == 180  # rows are not lost for the labels that nobody judged
    said = f"Not evaluated, since no row was judged by them: {', '.join(others)}."
    assert said in page.read_text(encoding="utf-8")
    assert main(call) == 0
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.regression("S10")
def test_a_label_that_one_of_several_files_has_is_masked_in_the_others(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [written(tmp_path / "a.csv", "text,insult"), written(tmp_path / "b.csv", "text,toxic")]
    call = ["evaluate", "--model", str(tiny_version), "--data", *map(str, files), "--resamples", "20"]
    assert main([*call, "--json", "--floor", str(files[0])]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["labels"] == ["toxic", "insult"]
    positives = {
        name: {label: values["positives"] for label, values in part["tiny@1"]["labels"].items()}
        for name, part in found["parts"].items()
    }
    assert positives == {"a.csv": {"toxic": 0, "insult": 60}, "b.csv": {"toxic": 60, "insult": 0}}


@pytest.mark.regression("S10")
def test_columns_of_text_and_labels_can_be_named(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "own.csv", "body,is_rude")
    named = ["--column", "body", "--label-column", "insult=is_rude"]
    model = ["--model", str(tiny_version)]
    assert main(["evaluate", *model, "--data", str(data), *named, "--resamples", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["parts"]["own.csv"]["tiny@1"]["labels"]["insult"]
    assert found["positives"] == 60
    attacking = ["attack", *model, "--data", str(data), *named, "--label", "insult", "--resamples", "5"]
    assert main([*attacking, "--sample", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["natural"] == 120
    out = tmp_path / "calibrated"
    calibrating = [
        "calibrate",
        *model,
        "--validation",
        str(data),
        *named,
        "--out",
        str(out),
        "--version",
        "2",
    ]
    assert main(calibrating) == 0
    shown = capsys.readouterr().out
    assert "threat" in shown and "(kept: too few rows)" in shown
    assert [line for line in shown.splitlines() if "insult:" in line and "kept" not in line]


@pytest.mark.regression("S10")
@pytest.mark.parametrize(
    ("head", "options", "said"),
    [
        ("body,insult", [], "no text column (comment_text, text, sentence); it has body, insult"),
        ("text,insult", ["--column", "body"], "no text column (body); it has text, insult"),
        ("text,rude", [], "no column toxic, severe_toxic"),
        ("text,insult", ["--label-column", "rude=insult"], "There is no label rude"),
        ("text,insult", ["--label-column", "toxic=rude"], "no column rude; it has insult, text"),
        ("text,insult", ["--patterns", "DATA"], "leave it out"),
    ],
)
def test_what_a_file_lacks_is_named_with_what_it_has(
    tiny_version: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    head: str,
    options: list[str],
    said: str,
) -> None:
    data = written(tmp_path / "own.csv", head)
    given = [str(data) if option == "DATA" else option for option in options]
    assert main(["evaluate", "--model", str(tiny_version), "--data", str(data), *given]) == 2
    errors = capsys.readouterr().err
    assert said in errors and len(errors.splitlines()) == 1


@pytest.mark.regression("S10")
def test_training_still_needs_every_label(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column severe_toxic"):
        corpora.read([written(tmp_path / "own.csv", "text,toxic")])


@pytest.mark.regression("S10")
def test_the_class_of_a_single_label_task_can_stand_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text("body,kind\nfine,positive\nbad,negative\n")
    rows = corpora.read([path], ("negative", "positive"), "single_label", Columns("body", {"label": "kind"}))
    assert [row["labels"] for row in rows] == [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.regression("S10")
@pytest.mark.parametrize("patterns", ["", "a,b\n", "toxic,rows\nx,1\n", "toxic,rows\n1,0\n", "\x00", "\xff"])
def test_patterns_that_are_none_are_refused_in_one_line(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], patterns: str
) -> None:
    data = tmp_path / "full.csv"
    cells = ",".join("0" * 6)
    data.write_text(f"text,{','.join(JIGSAW_LABELS)}\n" + f"nice,{cells}\n" * 30)
    (tmp_path / "patterns.csv").write_bytes(patterns.encode("latin-1"))
    call = ["evaluate", "--model", str(tiny_version), "--data", str(data), "--resamples", "5"]
    assert main([*call, "--patterns", str(tmp_path / "patterns.csv")]) == 2
    errors = capsys.readouterr().err
    assert "patterns.csv" in errors and len(errors.splitlines()) == 1


@pytest.mark.regression("S10")
@pytest.mark.parametrize("name", ["missing.csv", "folder", "folder.csv"])
@pytest.mark.parametrize("command", ["evaluate", "attack"])
def test_data_that_is_no_file_is_named_in_one_line(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    if name.startswith("folder"):
        (tmp_path / name).mkdir()
    assert main([command, "--model", str(tiny_version), "--data", str(tmp_path / name)]) == 2
    errors = capsys.readouterr().err
    assert name in errors and len(errors.splitlines()) == 1


@pytest.mark.regression("S10")
def test_data_can_be_piped_in(tiny_version: Path, tmp_path: Path) -> None:
    data = written(tmp_path / "own.csv", "text,insult")
    call = [sys.executable, "-m", "toxicity_ml", "evaluate", "--model", str(tiny_version)]
    with data.open("rb") as file:
        done = subprocess.run(
            [*call, "--data", "/dev/stdin", "--resamples", "5"], stdin=file, capture_output=True, text=True
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert "insult" in done.stdout


@pytest.mark.regression("S10")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("option", [["--report", "/dev/full"], []], ids=["report", "stdout"])
def test_a_full_disk_is_one_line_and_not_a_success(
    tiny_version: Path, tmp_path: Path, option: list[str]
) -> None:
    data = written(tmp_path / "own.csv", "text,insult", ROWS[:60])
    call = [sys.executable, "-m", "toxicity_ml", "evaluate", "--model", str(tiny_version)]
    with open(os.devnull if option else "/dev/full", "w") as out:
        done = subprocess.run(
            [*call, "--data", str(data), "--resamples", "5", "--errors", "0", *option],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert "No space left" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.regression("S10")
@pytest.mark.parametrize("place", ["", "nowhere/page.html"])
@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "--data", "missing.csv", "--report"],
        ["attack", "--data", "missing.csv", "--report"],
        ["benchmark", "--model", "missing", "--plot"],
        [
            "compare",
            "--data",
            "missing.csv",
            "--validation",
            "missing.csv",
            "--arm",
            "a",
            "--out",
            "OUT",
            "--plot",
        ],
    ],
    ids=lambda command: command[0],
)
def test_a_place_that_cannot_be_written_is_named_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], place: str
) -> None:
    given = [str(tmp_path / "out") if argument == "OUT" else argument for argument in command]
    assert main([*given, str(tmp_path / place)]) == 2
    errors = capsys.readouterr().err
    assert str((tmp_path / place).parent if place else tmp_path) in errors and "directory" in errors
    assert len(errors.splitlines()) == 1 and "missing" not in errors


@pytest.mark.regression("S10")
@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "--batch-size", "0"],
        ["predict", "--weights", "1,x"],
        ["evaluate", "--data", "x.csv", "--resamples", "many"],
        ["evaluate", "--data", "x.csv", "--label-column", "toxic"],
        ["attack", "--data", "x.csv", "--sample", "-1"],
        ["benchmark", "--rounds", "0"],
        ["compare", "--data", "x.csv", "--validation", "x.csv", "--arm", "a", "--out", "o", "--seeds", "0"],
        ["train", "--data", "x.csv", "--out", "o", "--limit", "0"],
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-2]}",
)
def test_a_number_that_is_none_is_quoted_with_what_it_should_be(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"argument {arguments[-2]}: {arguments[-1]!r} is not " in last
