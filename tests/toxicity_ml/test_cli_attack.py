"""``attack`` measures a model version on labelled comments and says which limits it keeps."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from toxicity_ml.cli import main
from toxicity_ml.labels import JIGSAW_LABELS

Row = tuple[str, int, str]


def _write(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["comment_text", *JIGSAW_LABELS, "sample"])
        writer.writerows([text, toxic, 0, 0, 0, 0, 0, sample] for text, toxic, sample in rows)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    words = ("nice", "good", "kind", "wonderful")
    clean = [
        (f"this {a} {b} article is {c} {d}", 0, "natural")
        for a in words
        for b in words
        for c in words
        for d in words[:2]
    ]
    toxic = [(f"you {word} {a} friend", 1, "natural") for word in ("moron", "idiot", "stupid") for a in words]
    ignored = [("crap thank you", 1, "enriched-cleaned"), ("we read it", 0, "enriched-raw")]
    return _write(tmp_path / "comments.csv", [*clean, *toxic, *ignored])


def test_attack_shows_tables_and_writes_a_page(
    tiny_version: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "attack.html"
    arguments = ["attack", "--model", str(tiny_version), "--data", str(data), "--sample", "5"]
    assert main([*arguments, "--resamples", "20", "--report", str(page)]) == 0
    shown, written = capsys.readouterr().out, page.read_text(encoding="utf-8")
    for text in (shown, written):
        for part in (
            "look-alike letters",
            "word masked",
            "false flags more",
            "one megabyte",
            "insults denied",
        ):
            assert part in text
    assert "5 comments" in shown


def test_attack_prints_json_alone_and_fails_in_strict_mode_where_a_limit_is_missed(
    tiny_version: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["attack", "--model", str(tiny_version), "--data", str(data), "--resamples", "20", "--json"]
    code = main([*arguments, "--strict"])
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == {"toxic": 12, "left out": 0, "natural": 128}
    assert report["label"] == "toxic"
    assert set(report["classes"]) == {"repairable", "noise", "context"}
    noise = report["classes"]["noise"]
    assert noise["loss"]["value"] > noise["limit"]  # two tiny layers know no misspelt word
    assert not noise["passes"]
    assert code == 1


def test_attack_says_what_is_missing(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = _write(tmp_path / "few.csv", [("you moron", 1, ""), ("a nice day", 0, "")])
    assert main(["attack", "--model", str(tiny_version), "--data", str(data)]) == 2
    assert "too few" in capsys.readouterr().err
    assert main(["attack", "--model", str(tiny_version), "--data", str(data), "--label", "rude"]) == 2
    assert "no label rude" in capsys.readouterr().err
