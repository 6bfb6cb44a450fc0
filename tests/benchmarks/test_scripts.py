"""Each benchmark runs to its end with tiny counts and prints what it promises. No test asserts on a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import api, throughput
from benchmarks.running_site import Site
from moderation.models import Screening
from tests.e2e import browser
from toxicity_ml.classifier import PRETRAINED

ROOT = Path(__file__).resolve().parent.parent.parent
COMMENTS = [
    "Thank you for the friendly answer, that was helpful.",
    "You are a fucking idiot, shut up.",
    "The market square was quiet in the morning. " * 20,
    "¿Dónde está la biblioteca?",
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Comments as a user would hand them over."""
    file = tmp_path / "comments.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in COMMENTS * 3))
    return file


def run(script: str, *options: str | Path) -> Any:
    """What a script prints with --json; its other output is shown when it fails."""
    environment = {**os.environ, "DATABASE_URL": "", "TEST_DATABASE": "", "OMP_NUM_THREADS": "1"}
    given = [*map(str, options)]
    command = [sys.executable, str(ROOT / "benchmarks" / script)]
    command += given if "--json" in given else [*given, "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT, timeout=1200
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def test_pipeline(data: Path) -> None:
    report = run("pipeline.py", "--data", data, "--count", "12", "--rounds", "1")
    assert [way["name"] for way in report["ways"]] == ["one", "sqlite", "two", "producers"]
    for way in report["ways"]:
        ratio = way["comments_per_second"]["median"] / way["bare_comments_per_second"]["median"]
        assert way["of_bare"]["median"] == pytest.approx(ratio)
        assert way["workers"] == (2 if way["name"] == "two" else 1)
        assert way["aim"] == (0.85 if way["name"] in ("one", "sqlite") else None)
    assert report["ways"][3]["saves"] > 0
    assert report["two_to_one"] > 0
    assert (report["comments"], report["data"], report["rounds"]) == (12, "comments.jsonl", 1)


def test_latency(data: Path) -> None:
    report = run("latency.py", "--data", data, "--per-second", "6", "--seconds", "2")
    assert (report["comments"], report["lost"]) == (12, 0)
    waited = report["save_to_verdict_ms"]
    assert 0 < waited["p50"] <= waited["p95"] <= waited["p99"] <= waited["max"]
    assert report["times_bare"]["p50"] == pytest.approx(waited["p50"] / report["bare_predict_ms"]["p50"])


def test_soak(data: Path) -> None:
    report = run("soak.py", "--data", data, "--count", "400", "--sample-seconds", "0.2", "--pool", "threads")
    assert (report["comments"], report["different"], report["pool"]) == (400, 12, "threads")
    assert (report["without_verdict"], report["scored_twice"], report["deaths"]) == (0, 0, 0)
    assert report["passed"]["none lost"] is True
    assert report["highest_megabytes"] > 50
    assert report["rate_ratio"] > 0


def test_uphold(tmp_path: Path) -> None:
    file, patterns = tmp_path / "rows.csv", tmp_path / "patterns.csv"
    labels = "toxic,severe_toxic,obscene,threat,insult,identity_hate"
    rows = ["you are a stupid idiot,1,0,0,0,1,0", "have a nice day,0,0,0,0,0,0", "what an idiot,0,0,0,0,0,0"]
    file.write_text("\n".join([f"text,{labels}", *rows, ""]), encoding="utf-8")
    patterns.write_text(f"{labels},rows\n1,0,0,0,1,0,1\n0,0,0,0,0,0,9\n", encoding="utf-8")
    report = run("uphold.py", "--rows", file, "--patterns", patterns)
    assert (report["comments"], report["flagged_and_toxic"]) == (3, 1)
    rules = report["rules"]
    assert rules["the highest alone"]["labels_a_comment"] == 1 and rules["the highest alone"]["wrong"] == 0
    assert rules["all over flag"]["labels_a_comment"] >= rules["from 0.8, or the highest"]["labels_a_comment"]
    assert set(rules["all over flag"]["recorded_by_label"]) >= {"toxic", "insult"}


def test_shadow() -> None:
    report = run("shadow.py", "--comments", "400", "--reviews", "10", "--samples", "5")
    by = report["by"]
    assert by["disagreements"]["width"] < by["audit"]["width"]
    assert 0 < report["disagreements"] < 400 and report["difference"] < 0


def test_language_identification(tmp_path: Path) -> None:
    file = tmp_path / "comments.csv"
    german = "Der Stadtrat hat den Markt auf Samstag verlegt, und niemand hat die Händler gefragt."
    english = "The town council has moved the market to Saturday, and nobody had asked the traders."
    file.write_text(f'text,language\n"{german}",de\n"{english}",en-GB\nok,en\n', encoding="utf-8")
    report = run("language_identification.py", "--data", file)
    whole = report["lengths"]["whole"]["languages"]
    assert whole == {
        "de": {"comments": 1, "foreign": 1, "right": 1},
        "en": {"comments": 2, "foreign": 0, "right": 2},
    }
    assert report["lengths"]["50"]["languages"]["en"]["comments"] == 1
    assert report["lengths"]["100"]["languages"]["de"] == {"comments": 0, "foreign": 0, "right": 0}
    assert report["lengths"]["50"]["milliseconds"] > 0 and report["megabytes"] > 1


def test_scale() -> None:
    report = run("scale.py", "--sizes", "1000", "3000", "--repeats", "1")
    assert "queue: open, worst first" in report["things"] and "claim 32" in report["things"]
    for name, thing in report["things"].items():
        assert set(thing["milliseconds"]) == {"1000", "3000"}
        assert 0 < thing["in_queries"] < thing["milliseconds"]["3000"], name
        assert thing["processor"] > 0, name
        growth = thing["milliseconds"]["3000"] / thing["milliseconds"]["1000"]
        assert thing["growth"] == pytest.approx(growth)
        assert thing["queries"]["1000"] > 0, name
    assert report["more_queries"] == []
    assert 500 < report["bytes_each"]["3000"] < 20_000


def test_throughput(data: Path) -> None:
    options = ("--count", "4", "--slow-count", "2", "--rounds", "1", "--threads", "1", "--processor-time")
    report = run("throughput.py", "--data", data, *options, "--against", PRETRAINED)
    assert set(report["times_as_fast"]) == {"against", "bert_base", "pipeline"}
    assert report["comments"] == {"classifier": 4, "against": 4, "bert_base": 2, "pipeline": 2}
    rates = report["comments_per_second"]
    for name, times in report["times_as_fast"].items():
        assert times == pytest.approx(rates["classifier"]["median"] / rates[name]["median"]), name
    assert report["processor_time"]


def test_throughput_goes_by_the_clock_that_it_is_told() -> None:
    now = 0.0

    def score(texts: Sequence[str]) -> None:
        nonlocal now
        now += 0.5 * len(texts)

    scorers = {"one": score, "other": score}
    samples = {"one": ["a", "b", "c"], "other": ["a"]}
    assert throughput._timed(scorers, samples, 2, lambda: now) == {"one": [2, 2], "other": [2, 2]}


def test_api(data: Path) -> None:
    report = run("api.py", "--data", data, "--count", "12", "--seconds", "1", "--rounds", "1")
    figures = report["figures"]
    assert set(figures) == {*api.OURS, api.TUTORIAL, api.BERT_BASE}
    for name, of in figures.items():
        assert of["rate"] > 0 and of["p50_ms"] <= of["p95_ms"] <= of["p99_ms"], name
        assert of["other_answers"] == 0, name
    for ours in api.OURS:
        assert figures[ours]["flood_other_answers"] == 0
        for baseline in (api.TUTORIAL, api.BERT_BASE):
            ratio = figures[ours]["rate"] / figures[baseline]["rate"]
            assert report["ratios"][f"{ours} / {baseline}"] == pytest.approx(ratio)


def test_save_overhead() -> None:
    costs = run("save_overhead.py", "--seconds", "0.5")
    assert [cost["broker"] for cost in costs] == ["up", "stopped", "refused"]
    assert all(cost["saves"] > 0 and cost["database"] == "sqlite" for cost in costs)


def test_classify_cost() -> None:
    report = run("classify_cost.py", "--characters", "200")
    assert report["characters"] == 200
    assert len(report["cpu_seconds"]) == 12 and min(report["cpu_seconds"].values()) >= 0


@pytest.mark.django_db
@pytest.mark.parametrize("text", COMMENTS)
def test_a_prepared_backlog_is_what_saves_would_have_left(text: str, tmp_path: Path) -> None:
    site = Site(None, tmp_path, None)  # type: ignore[arg-type]  # starts no worker
    site.save(text)
    (key,) = site.fill([text])
    site.let_claim()
    saved, filled = Screening.objects.order_by("id").values()
    assert filled["id"] == key
    for column in ("id", "object_id", "created"):
        del saved[column], filled[column]
    assert filled == saved


@pytest.mark.browser
@pytest.mark.skipif(browser.find() is None, reason="no Chromium was found")
def test_moderating() -> None:
    report = run("moderating.py", "--items", "6", "--each", "1", "--reading", "0.6")
    alone = report["alone"]
    assert alone["keys_an_item"] == {"uphold": 1, "false_positive": 1, "relabel": 2, "skip": 1}
    assert alone["wait_ms"]["count"] >= 5 and alone["wait_ms"]["median"] > 0
    assert (report["side_by_side"]["decided"], report["side_by_side"]["wasted"]) == (2, 0)
    assert report["one_walks_away"]["decided"] == 16
    assert report["one_walks_away"]["left_behind_and_still_held"] == 0


def test_migrations() -> None:
    report = run("migrations.py", "--rows", "2000", "--reader-seconds", "1")
    steps = {step["migration"]: step for step in report["steps"]}
    assert {"moderation: no migration", "upgrades: no migration", "upgrades.0006_superseded"} <= set(steps)
    later = [path.stem for path in (ROOT / "moderation" / "migrations").glob("[0-9]*.py")]
    assert {f"moderation.{name}" for name in sorted(later)[1:]} <= set(steps)
    assert all(step["writes"] > 0 and step["longest write, ms"] > 0 for step in steps.values())
    assert (report["rows"], report["reader_seconds"]) == (2000, 1)


def test_retraining_story_and_null(tmp_path: Path) -> None:
    cheap = ("--", "--epochs", "0.2", "--min-reviews", "20", "--soft-targets", "20", "--rehearsed", "40")
    site, few = tmp_path / "site", ("--fresh", "40")
    sizes = ("--comments", "300", "--decisions", "40", "--rounds", "1", "--audit-rate", "0.5")
    story = run("retrain_story.py", *sizes, *few, "--keep", site, "--json", *cheap)
    (one,) = story["rounds"]
    assert (one["decisions"], one["screenings"], story["fresh"]) == (40, 300, 40)
    assert sum(one["decided_by_reason"].values()) == 40
    assert one["retrained"]["parent"] != one["retrained"]["candidate"]
    assert one["candidate"]["brier"] != story["before"]["brier"]
    null = run("retrain_null.py", "random", "--site", site, *few, "--json", *cheap)
    (candidate,) = null["candidates"]
    assert candidate["changed_decisions"] > 0
    assert null["verdicts"] == {"not_enough_evidence": 1}
    cheap_null = run("retrain_null.py", "null", "--site", site, "--candidates", "3", "--cheap")
    assert cheap_null["verdicts"] == {"not_enough_evidence": 3}


def test_retrain() -> None:
    cheap = ("--", "--epochs", "0.2", "--min-reviews", "20", "--soft-targets", "10", "--rehearsed", "30")
    report = run("retrain.py", "--decisions", "40", "--sampled", "24", "--cores", "1", "--json", *cheap)
    (ours,), (naive,) = report["ours"], report["naive"]
    assert (ours["decisions"], naive["rows"]) == (40, 159_571 + 40)
    assert ours["counts"]["learned"] > ours["counts"]["train"] > 10
    assert ours["cpu_seconds"] > 0 and 0.1 < ours["peak_gib"] < 10 and 0.1 < naive["peak_gib"] < 10
    assert report["ratio"] == pytest.approx(naive["cpu_seconds"] / ours["cpu_seconds"])


def test_coverage_of_estimates() -> None:
    report = run("coverage_of_estimates.py", "--sites", "20")
    assert len(report["coverage"]) == 7
    for row in report["coverage"]:
        assert row["precision_given"] == row["recall_given"] == 20
        # of 20 intervals that cover with 95 %, fewer than 15 cover once in 40,000 times
        assert min(row["precision_coverage"], row["recall_coverage"]) >= 0.75
    for row in report["agreement"]:
        assert row["given"] >= 15 and row["coverage"] >= 0.75
    for row in report["gate"]:
        assert row["worse"] <= 0.1 and row["better"] >= 0.5
    exchanged = report["harm_in_return"]
    assert exchanged[0]["primary"] > exchanged[-1]["primary"]
    assert all(row["guarded"] <= row["primary"] for row in exchanged)
