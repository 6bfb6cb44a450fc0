"""Labels from and to files: what is imported teaches and does nothing else; what is exported is the truth."""

from __future__ import annotations

import csv
import json
import tracemalloc
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from moderation.models import AuditEntry, ModelVersion, Review, Screening
from moderation.retraining import training_data
from moderation.retraining.label_files import formats, importing
from moderation.retraining.label_files.learned import imported
from moderation.retraining.learning import learning
from moderation.retraining.training_data import TRAIN, Sides
from moderation.review import estimates
from moderation.review.decisions import NoLongerCurrent, decide
from moderation.review.giving_second_opinions import give_second_opinion
from moderation.review.response import response
from moderation.review.undoing import undo
from moderation.worker.drain import drain
from tests.forum.models import Post
from tests.moderation.conftest import LABELS, run_command, screen

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ann_at_the_keyboard(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ann")


def write(path: Path, *rows: Any) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def run(file: Path, form: str, *options: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        run_command("import_labels", str(file), "--format", form, "--json", *options)
    )
    return told


def stored() -> dict[str, dict[str, bool | None]]:
    """{text: what was imported of it last}."""
    reviews = Review.objects.filter(kind="import").select_related("screening").order_by("number")
    return {review.screening.text: review.labels for review in reviews}


def labels(**known: bool) -> dict[str, bool | None]:
    return {**dict.fromkeys(LABELS), **known}


# --- importing -----------------------------------------------------------------------------------


def test_kaggle_s_columns_with_masked_cells(tmp_path: Path) -> None:
    header = ["id", "comment_text", "toxic", "severe_toxic", "threat", "insult", "identity_hate"]
    file = write(
        tmp_path / "train.csv",
        header,
        ["a", "you idiot", 1, 0, 0, 1, 0],
        ["b", "not\nlooked at", -1, -1, -1, -1, -1],
        ["c", "a share of annotators", 0.6, 0, 0.2, "", 0],
    )
    told = run(file, "kaggle")
    assert (told["imported"], told["undecided"], told["bad"]) == (2, 1, 0)
    assert stored() == {
        "you idiot": labels(toxic=True, threat=False, insult=True),
        "a share of annotators": labels(toxic=True, threat=False),
    }


def test_perspective_s_scores_are_labels_where_they_are_sure(tmp_path: Path) -> None:
    file = write(
        tmp_path / "log.csv",
        ["text", "TOXICITY", "INSULT", "SEXUALLY_EXPLICIT"],
        ["you idiot", 0.93, 0.5, 0.1],
        ["thank you", 0.02, 0.1, 0.1],
        ["hm", 0.5, "", 0.9],
    )
    assert run(file, "perspective")["undecided"] == 1
    assert stored() == {
        "you idiot": labels(toxic=True),
        "thank you": labels(toxic=False, insult=False),
    }
    assert run(file, "perspective", "--sure", "0.95")["imported"] == 1  # of the first nothing is sure now
    assert stored()["thank you"] == labels(toxic=False)


def test_coral_s_moderators_say_what_stands_and_a_rejection_what_it_is_told_to_mean(tmp_path: Path) -> None:
    file = write(
        tmp_path / "comments.csv",
        ["id", "status", "body"],
        [1, "APPROVED", "<p>thank&nbsp;you</p>"],
        [2, "REJECTED", "<div>you idiot</div>"],
        [3, "NONE", "hm"],
    )
    assert run(file, "coral")["undecided"] == 2
    assert "--rejected-as LABEL" in run_command("import_labels", str(file), "--format", "coral")
    run(file, "coral", "--rejected-as", "toxic")
    assert stored() == {
        "thank\xa0you": labels(toxic=False, threat=False, insult=False),
        "you idiot": labels(toxic=True),
    }


def test_a_file_again_brings_nothing_and_another_word_a_newer_review(tmp_path: Path) -> None:
    rows = [["text", "toxic"], ["you idiot", "true"], ["you idiot", "true"], ["hello", ""], ["hi", "false"]]
    file = write(tmp_path / "own.csv", *rows)
    assert run(file, "own")["imported"] == 2
    before = list(Review.objects.values()), list(Screening.objects.values()), AuditEntry.objects.count()
    told = run(file, "own")
    assert (told["imported"], told["already"], told["undecided"]) == (0, 3, 1)
    assert (
        list(Review.objects.values()),
        list(Screening.objects.values()),
        AuditEntry.objects.count(),
    ) == before
    rows[1] = rows[2] = ["you idiot", "false"]
    run(write(tmp_path / "own.csv", *rows), "own")
    assert stored()["you idiot"] == labels(toxic=False)
    assert list(Review.objects.filter(screening__text="you idiot").values_list("number", flat=True)) == [1, 2]


def test_an_import_says_who_did_it_and_no_text(tmp_path: Path) -> None:
    run(write(tmp_path / "a.csv", ["text", "toxic"], ["you idiot", 1]), "own")
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.username) == ("labels.imported", "ann (system)")
    assert entry.after == {"format": "own", "reviews": 1}
    review = Review.objects.get()
    assert (review.kind, review.decision, review.outcome) == ("import", "", "hide")
    assert review.reviewer_name == "ann (system)"


def test_rows_that_can_t_be_used_are_told_by_line_without_their_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(
        b'text,toxic\n"two\nlines",1\nsecret one,maybe\nsecret two,1,1\n,1\nsecret \xff three,1\nfine,0\n'
    )
    told = run(file, "own")
    assert (told["imported"], told["bad"]) == (2, 4)
    assert told["first_bad"] == [
        {"line": 4, "reason": "has no label in toxic"},
        {"line": 5, "reason": "has 3 cells, not 2"},
        {"line": 6, "reason": "has no text"},
        {"line": 7, "reason": "is not UTF-8"},
    ]
    run_command("import_labels", str(file), "--format", "own")
    errors = capsys.readouterr().err
    assert "Line 4 has no label in toxic." in errors and "secret" not in errors


@pytest.mark.parametrize(
    ("header", "form", "options", "match"),
    [
        (["comment", "toxic"], "own", (), "no column of texts"),
        (["text", "spam"], "own", (), "No column stands for a label"),
        (["text", "x"], "own", ("--map", "x=spam"), "has no label spam; it has toxic"),
        (["text", "x"], "own", ("--map", "x"), "is not COLUMN=LABEL"),
        (["body"], "coral", (), "no column status"),
        (["text", "toxic", "toxic"], "own", (), "A column is there twice, number 2"),
    ],
)
def test_a_file_without_the_columns_is_refused_and_changes_nothing(
    header: list[str], form: str, options: tuple[str, ...], match: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "a.csv", header, ["x"] * len(header))
    with pytest.raises(CommandError, match=match) as caught:
        run(file, form, *options)
    assert caught.value.returncode == 2
    assert not Screening.objects.exists() and not AuditEntry.objects.exists()
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "nowhere.csv", "own")


@pytest.mark.parametrize(
    ("name", "written", "match"),
    [
        ("open.csv", 'text,toxic\nfine,0\n"secret,1\n' + "secret,0\n" * 40, "from line 3 on.*left open"),
        ("long.csv", "text,toxic\nfine,0\n" + "secret" * 40 + "\n", "Line 3 has more than 200 characters"),
        ("header.csv", "secret" * 40, "Line 1 has more than 200"),
        ("long.jsonl", '{"text": "fine", "toxic": 0}\n' + "secret" * 40, "Line 2 has more than 200"),
    ],
)
def test_a_cell_and_a_line_without_end_are_refused_before_they_take_all_memory(
    name: str, written: str, match: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "LONGEST", 200)
    file = tmp_path / name
    file.write_text(written)
    with pytest.raises(CommandError, match=match) as caught:
        run(file, "own")
    assert caught.value.returncode == 2 and "secret" not in str(caught.value)


def test_what_was_stored_before_a_line_without_end_is_told_and_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "LONGEST", 200)
    monkeypatch.setattr(importing, "CHUNK", 2)
    file = tmp_path / "long.csv"
    file.write_text("text,toxic\nfine,0\nyou idiot,1\n" + "secret" * 40 + "\n")
    with pytest.raises(CommandError, match="the 2 rows before say is stored") as caught:
        run(file, "own")
    assert caught.value.returncode == 1 and "secret" not in str(caught.value)
    assert set(stored()) == {"fine", "you idiot"}


def test_a_second_import_at_the_same_time_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", ["text", "toxic"], ["you idiot", 1])
    assert importing.leases.take(importing.LEASE, 60) is not None
    with pytest.raises(CommandError, match="Another import is under way"):
        run(file, "own")


def test_an_imported_text_is_in_no_queue_no_figure_and_no_worker_s_hands(
    tmp_path: Path, version: ModelVersion, admin_client: Client, admin_user: User
) -> None:
    run(write(tmp_path / "a.csv", ["text", "toxic"], ["i kill you", 1], ["thank you", 0]), "own")
    assert screen().scored == 0
    rows = Screening.objects.all()
    for of_rows in (rows.open(), rows.pending(), rows.decided(), rows.suggested(), rows.of_the_site()):
        assert not of_rows.exists()
    assert training_data.reviewed(LABELS) == []
    assert estimates.read(version, timezone.now() - timedelta(days=1)).items == []
    assert response().of_all == {}
    queue = admin_client.get(reverse("admin:moderation_screening_changelist")).content.decode()
    assert "kill" not in queue
    everything = admin_client.get(reverse("admin:moderation_screening_changelist"), {"state": "all"})
    assert everything.content.decode().count("from a file") == 2  # each says that it is none of the site's
    screening = rows.get(text="i kill you")
    page = admin_client.get(reverse("admin:moderation_screening_change", args=[screening.pk]))
    shown = page.content.decode()
    assert "i kill you" in shown and "from a file" in shown and "No model scores it" in shown
    assert "Not scored yet" not in shown and "replaced" not in shown
    reviews = admin_client.get(reverse("admin:moderation_review_changelist")).content.decode()
    assert "ann (system)" in reviews
    with pytest.raises(NoLongerCurrent):
        decide(screening.pk, reviewer=admin_user, kind="false_positive")


def test_imported_texts_are_learned_with_their_weight_and_the_site_s_decisions_win(
    tmp_path: Path, version: ModelVersion, settings: Any, admin_user: User
) -> None:
    settings.MODERATION = {**settings.MODERATION, "IMPORTED_WEIGHT": 0.25}
    lines = [[f"you idiot number {number}", number % 2, ""] for number in range(200)]
    run(write(tmp_path / "a.csv", ["text", "toxic", "insult"], *lines), "own")
    rows = imported(LABELS, 1000, seed=1)
    assert 80 < len(rows) < 160  # the side that is learned, of which there are six tenths
    assert {row.side for row in rows} == {TRAIN} and {row.weight for row in rows} == {0.25}
    assert all(row.probability is None and not row.is_random for row in rows)
    first = rows[0]
    assert first.labels[0] == int(first.text.rpartition(" ")[2]) % 2 and first.labels[2] != first.labels[2]
    assert len(imported(LABELS, 10, seed=1)) == 10
    post = Post.objects.create(body=first.text.upper())
    screen()
    decide(Screening.objects.get(object_id=str(post.pk)).pk, reviewer=admin_user, kind="false_positive")
    assert first.text not in {row.text for row in imported(LABELS, 1000, seed=1)}
    settings.MODERATION = {**settings.MODERATION, "IMPORTED_WEIGHT": 0}
    assert imported(LABELS, 1000, seed=1) == []


def test_a_training_learns_them_and_chooses_and_tests_by_none(tmp_path: Path, admin_user: User) -> None:
    lines = [[" ".join(f"word{place}of{number}" for place in range(6)), 1] for number in range(100)]
    run(write(tmp_path / "a.csv", ["text", "toxic"], *lines), "own")
    # it is sure of nothing, so no text of our own proves an export by its scores
    old = SimpleNamespace(labels=LABELS, logits=lambda texts: np.zeros((len(texts), len(LABELS))))
    made = learning(old, Sides(), unreviewed=0, rehearsed=0, elsewhere=1000, seed=1)
    assert 30 < made.counts["imported"] == len(made.learned) < 80
    assert made.chosen_by == []
    held_out = Sides(test=[replace(made.learned[0], text=made.learned[0].text + " indeed")])
    apart = learning(old, held_out, unreviewed=0, rehearsed=0, elsewhere=1000, seed=1)
    assert made.learned[0] not in apart.learned and len(apart.learned) == len(made.learned) - 1
    assert learning(old, Sides(), unreviewed=0, rehearsed=0, seed=1).learned == []


def test_a_long_file_takes_no_more_memory_than_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 100)
    peaks = []
    for count in (300, 3000):
        lines = ([f"text {count} {number} " + "x" * 1000, 1] for number in range(count))
        file = write(tmp_path / f"{count}.csv", ["text", "toxic"], *lines)
        tracemalloc.start()
        run(file, "own")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000  # the file is 3 MB


# --- exporting -----------------------------------------------------------------------------------


@pytest.fixture
def decided(admin_user: User, settings: Any) -> dict[str, Screening]:
    """Texts on which somebody decided, {text: screening}."""
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0, "SECOND_OPINION_SHARE": 0}
    texts = ("i kill you", "you idiot", "you idiot, dear", "taken back idiot", "nobody looked, idiot")
    for text in texts:
        Post.objects.create(body=text)
    screen()
    found = {row.text: row for row in Screening.objects.all()}
    decide(found[texts[0]].pk, reviewer=admin_user, kind="uphold")
    decide(
        found[texts[1]].pk,
        reviewer=admin_user,
        kind="relabel",
        labels={**dict.fromkeys(LABELS, False), "insult": True},
    )
    decide(found[texts[2]].pk, reviewer=admin_user, kind="false_positive", shown=None)
    undo(decide(found[texts[3]].pk, reviewer=admin_user, kind="uphold").pk, reviewer=admin_user)
    other = User.objects.create_superuser("bea")
    give_second_opinion(found[texts[1]].pk, reviewer=other, kind="false_positive")
    return found


def exported(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "decisions.jsonl").read_text("utf-8").splitlines()]


def test_the_decisions_that_stand_are_written_and_nothing_else(
    decided: dict[str, Screening], tmp_path: Path
) -> None:
    told = json.loads(run_command("export_labels", str(tmp_path / "out"), "--json"))
    rows = {row["text"]: row for row in exported(tmp_path / "out")}
    assert set(rows) == {"i kill you", "you idiot", "you idiot, dear"} and told["rows"] == 3
    assert [rows["you idiot"][label] for label in LABELS] == [False, False, True]
    assert [rows["i kill you"][label] for label in LABELS] == [True, True, None]
    first = rows["i kill you"]
    assert (first["outcome"], first["model"], first["drawn"]) == ("hide", "forum.Post", "pointed_at")
    assert 0 < first["probability"] <= 1 and first["version"] == "test@1"
    assert [rows[text]["blind"] for text in rows] == [False, False, True]
    assert told["labels"]["insult"] == {"null": 1, "true": 1, "false": 1}
    written = (tmp_path / "out" / "decisions.jsonl").read_text()
    assert "admin" not in written and "bea" not in written
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.username) == ("labels.exported", "ann (system)")
    assert entry.after == {"since": None, "model": None, "blind_only": False, "rows": 3}


def test_the_folder_is_read_by_datasets_with_its_types(decided: dict[str, Screening], tmp_path: Path) -> None:
    from datasets import load_dataset

    run_command("export_labels", str(tmp_path / "out"))
    rows = load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.num_rows == 3 and rows.features["threat"].dtype == "bool"
    assert rows.features["probability"].dtype == "float64"
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| `insult` | 1 | 1 | 1 |" in card and "| `pointed_at` | 3 |" in card
    assert all(f"name: {name}" in card for name in rows.features)


def test_labels_that_are_named_like_columns_have_columns_of_their_own(
    decided: dict[str, Screening], version: ModelVersion, admin_user: User, tmp_path: Path
) -> None:
    from datasets import load_dataset

    named = ["toxic", "blind", "text", "label_text"]
    ModelVersion.objects.filter(pk=version.pk).update(labels=named)
    said = {"toxic": True, "blind": True, "text": False, "label_text": True}
    text = "a text of another site"
    Post.objects.create(body=text)
    drain(load=lambda _: lambda texts: [dict.fromkeys(named, 0.9) for _ in texts])
    decide(Screening.objects.get(text=text).pk, reviewer=admin_user, kind="relabel", labels=said)
    told = json.loads(run_command("export_labels", str(tmp_path / "out"), "--json"))
    assert told["labels"]["blind"] == {"true": 1, "null": 3}
    row = next(row for row in exported(tmp_path / "out") if row["text"] == text)
    columns = ("blind", "label_blind", "label_label_text", "label_text")
    assert [row[name] for name in columns] == [False, True, False, True]
    rows = load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.features["text"].dtype == "string" and rows.features["label_label_text"].dtype == "bool"
    assert len(rows) == 4
    card = (tmp_path / "out" / "README.md").read_text()
    assert "The label `blind` stands in `label_blind`, `text` stands in `label_label_text`." in card
    assert all(card.count(f"- name: {name}\n") == 1 for name in rows.features)

    run(tmp_path / "out" / "decisions.jsonl", "own")
    assert stored()[text] == said
    lines = [[line[name] for name in line] for line in exported(tmp_path / "out")]
    as_csv = write(tmp_path / "again.csv", list(row), *lines)
    assert run(as_csv, "own")["already"] == 4


def test_what_is_written_can_be_chosen(decided: dict[str, Screening], tmp_path: Path) -> None:
    def texts(*options: str) -> list[str]:
        folder = tmp_path / "-".join(options).replace("/", "")
        run_command("export_labels", str(folder), *options)
        return [row["text"] for row in exported(folder)]

    assert texts("--blind-only") == ["you idiot, dear"]
    assert len(texts("--model", "forum.Post")) == 3
    assert len(texts("--since", "2020-01-01")) == 3
    for options in (("--since", "2999-01-01"), ("--model", "forum.Note")):
        with pytest.raises(CommandError, match="no decision to export") as caught:
            texts(*options)
        assert caught.value.returncode == 2


def test_nothing_is_written_over(decided: dict[str, Screening], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="exists, and nothing is written over") as caught:
        run_command("export_labels", str(tmp_path / "out"))
    assert caught.value.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_what_one_site_exports_another_one_imports(decided: dict[str, Screening], tmp_path: Path) -> None:
    run_command("export_labels", str(tmp_path / "out"))
    told = run(tmp_path / "out" / "decisions.jsonl", "own")
    assert (told["imported"], told["bad"]) == (3, 0)
    assert stored()["you idiot"] == {"toxic": False, "threat": False, "insult": True}
    assert stored()["i kill you"] == labels(toxic=True, threat=True)
    assert len(exported(tmp_path / "out")) == 3
    run_command("export_labels", str(tmp_path / "again"))
    assert len(exported(tmp_path / "again")) == 3  # what was imported was decided elsewhere


def test_a_blanked_text_is_neither_exported_nor_learned(
    decided: dict[str, Screening], tmp_path: Path
) -> None:
    run(write(tmp_path / "a.csv", ["text", "toxic"], *[[f"text {n}", 1] for n in range(20)]), "own")
    Screening.objects.update(text="", text_key="", blanked=timezone.now())
    assert imported(LABELS, 100, seed=1) == []
    with pytest.raises(CommandError, match="no decision to export"):
        run_command("export_labels", str(tmp_path / "out"))
