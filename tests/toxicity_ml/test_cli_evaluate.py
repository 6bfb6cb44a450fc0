"""``python -m toxicity_ml evaluate`` on a tiny model version, through ``main``."""

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toxicity_ml.cli import main
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.manifest import Manifest

WRONG = "we read this article nice"


def write_data(path: Path, count: int = 90, start: int = 0) -> Path:
    """A third of the rows insults that the tiny model knows, and two rows whose labels are wrong."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["comment_text", *JIGSAW_LABELS, "sample"])
        for number in range(start, start + count):
            bad = number % 3 == 0
            text = f"you are {'an idiot' if bad else 'a friend'}, {'nice ' * (number % 5)}day."
            labels = [int(bad and label in ("toxic", "insult")) for label in JIGSAW_LABELS]
            writer.writerow([text, *labels, "natural"])
        writer.writerow([WRONG, 1, 0, 0, 0, 0, 0, "natural"])
        writer.writerow(["thank you idiot", 0, 0, 0, 0, 0, 0, "natural"])
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "test.csv")


def evaluated(capsys: pytest.CaptureFixture[str], *options: object) -> dict[str, Any]:
    assert main(["evaluate", "--resamples", "30", "--json", *map(str, options)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def words_of(page: Path) -> str:
    """What a reader sees of the page."""
    return re.sub("<[^>]+>", "", page.read_text(encoding="utf-8"))


def test_json_has_every_section_and_the_page_is_written(
    tiny_version: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    found = evaluated(capsys, "--model", tiny_version, "--data", data, "--report", page)
    assert found["model"] == "tiny@1" and found["data"] == ["test.csv"]
    figures = found["parts"]["test.csv"]["tiny@1"]
    insult, threat = figures["labels"]["insult"], figures["labels"]["threat"]
    assert insult["positives"] == 30 and insult["recall"]["value"] == 1.0
    assert insult["curves"]["precision_recall"]["y"][10] > 0.8
    assert insult["calibration"]["bins"] and insult["confusion"] == {"tp": 30, "fp": 1, "fn": 0, "tn": 61}
    assert threat["too_few"] and threat["f1"] is None and threat["calibration"] is None
    assert figures["site"]["flags_per_1000"]["value"] == pytest.approx(1000 * 31 / 92)
    assert set(found["slices"]["tiny@1"]) == {"length", "sample", "identity", "punctuation"}
    assert found["mistakes"]["false_positives"]["examples"][0]["word"]["text"] == "idiot"
    assert found["mistakes"]["false_negatives"]["examples"][0]["text"] == WRONG
    shown = words_of(page)
    assert "tiny@1" in shown and "insult" in shown and "too few" in shown and WRONG in shown


def test_comments_are_left_out_when_asked(
    tiny_version: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    found = evaluated(capsys, "--model", tiny_version, "--data", data, "--report", page, "--no-texts")
    assert "idiot" not in json.dumps(found) and WRONG not in json.dumps(found)
    assert "idiot" not in words_of(page) and WRONG not in words_of(page)
    assert found["mistakes"]["false_negatives"]["examples"][0]["row"] == 91


def test_versions_and_a_floor_stand_beside_each_other_with_paired_differences(
    tiny_version: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patterns = tmp_path / "patterns.csv"
    cells = [",".join([*JIGSAW_LABELS, "rows"]), "0,0,0,0,0,0,900", "1,0,0,0,1,0,80", "1,0,0,0,0,0,20"]
    patterns.write_text("\n".join(cells) + "\n")
    call = ["--model", tiny_version, "--model", tiny_version, "--data", data, "--floor", data]
    found = evaluated(capsys, *call, "--patterns", patterns)
    assert found["models"] == ["tiny@1", "tiny@1 (2)", "tf-idf floor"]
    natural = found["parts"]["natural prevalence"]
    assert set(natural) == set(found["models"])
    assert natural["tiny@1"]["site"]["flags_per_1000"]["value"] == pytest.approx(
        1000 * (0.08 + 0.9 / 61), rel=1e-3
    )
    twin = found["differences"]["test.csv"]["tiny@1 (2)"]
    assert (twin["mean"]["low"], twin["mean"]["high"], twin["mean"]["shown"]) == (0, 0, False)
    assert twin["labels"]["threat"] is None
    assert "tf-idf floor" in found["differences"]["natural prevalence"]


def test_tables_say_too_few_and_what_a_site_feels(
    tiny_version: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = [
        "evaluate",
        "--model",
        str(tiny_version),
        "--data",
        str(data),
        "--resamples",
        "20",
        "--errors",
        "0",
    ]
    assert main(call) == 0
    shown = capsys.readouterr().out
    assert "too few" in shown and "flags per 1000" in shown
    assert "92 natural comments are flagged 1.000" in shown and "false negatives: 1" in shown


def test_a_single_label_version_gets_accuracy_and_confusion(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = tmp_path / "single"
    shutil.copytree(tiny_version, version)
    replace(Manifest.load(version), task="single_label", canned=[]).save(version)
    data = tmp_path / "classes.csv"
    lines = [
        f"{'you idiot' if n % 2 else 'damn crap'} {n},{'insult' if n % 2 else 'obscene'}" for n in range(50)
    ]
    data.write_text("text,label\n" + "\n".join(lines) + "\n")
    page = tmp_path / "report.html"
    found = evaluated(capsys, "--model", version, "--data", data, "--report", page)
    figures = found["parts"]["classes.csv"]["tiny@1"]
    counts = figures["confusion_counts"]
    right = sum(counts[label][label] for label in JIGSAW_LABELS)
    assert sum(sum(row.values()) for row in counts.values()) == 50
    assert figures["accuracy"]["value"] == pytest.approx(right / 50)
    assert found["mistakes"]["wrong_class"]["count"] == 50 - right
    assert "The most probable class" in page.read_text(encoding="utf-8")


def test_a_place_for_the_report_that_does_not_exist_is_named_before_anything_is_scored(
    tiny_version: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nowhere" / "report.html"
    assert (
        main(["evaluate", "--model", str(tiny_version), "--data", str(data), "--report", str(missing)]) == 2
    )
    assert "nowhere is no directory" in capsys.readouterr().err


def test_each_source_of_a_file_is_reported_by_itself(
    tiny_version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """News has its insults in words that the tiny model knows, half of the forum's are in others."""
    data = tmp_path / "mixed.csv"
    with data.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "source", *JIGSAW_LABELS])
        for number in range(60):
            bad = number % 2 == 0
            for source, words in (("news", "an idiot"), ("forum", "an idiot" if number % 4 else "it")):
                text = f"you are {words if bad else 'a friend'}, {'nice ' * (number % 5)}day."
                labels = [int(bad and label in ("toxic", "insult")) for label in JIGSAW_LABELS]
                writer.writerow([text, source, *labels])
    found = evaluated(capsys, "--model", tiny_version, "--data", data, "--apart", "source")
    assert found["data"] == ["mixed.csv: forum", "mixed.csv: news"]
    recall = {
        name: figures["tiny@1"]["labels"]["insult"]["recall_at"] for name, figures in found["parts"].items()
    }
    assert list(recall["mixed.csv: news"]) == ["0.01", "0.03", "0.05"]
    assert recall["mixed.csv: news"]["0.05"]["value"] == 1.0
    assert recall["mixed.csv: forum"]["0.01"]["value"] < 0.9
    assert main(["evaluate", "--resamples", "30", "--model", str(tiny_version), "--data", str(data)]) == 0
    assert "recall with so many" in capsys.readouterr().out
