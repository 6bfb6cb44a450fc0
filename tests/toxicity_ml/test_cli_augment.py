"""``python -m toxicity_ml augment``: the file that it writes, where each row of it came from, and that no
copy crosses a split or reaches held-out data."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toxicity_ml import corpora
from toxicity_ml.augmentation.copies import Row, joined, noisy, rewritten, stripped
from toxicity_ml.augmentation.protection import label_words
from toxicity_ml.cli import main
from toxicity_ml.labels import JIGSAW_LABELS

TEXTS = {
    "Thanks, that was a good answer to my question.": (),
    "The garden of the museum is lovely in spring!": (),
    "Please read the rules before you edit the article.": (),
    "What a quick reply, I wish everybody argued like you.": (),
    "You are a fool, read the rules.": ("toxic", "insult"),
    "I will hurt you, just wait for it.": ("toxic", "threat"),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["comment_text", *JIGSAW_LABELS, "weight", "sample"])
        for text, true in TEXTS.items():
            cells = ["1" if label in true else "0" for label in JIGSAW_LABELS]
            if "threat" in true:
                cells[JIGSAW_LABELS.index("obscene")] = ""  # not looked at
            writer.writerow([text, *cells, "2.5", "natural"])
    return path


def augment(*arguments: str | Path) -> int:
    return main(["augment", "--synonyms", "shipped", *map(str, arguments)])


def written(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_copy_has_its_labels_and_says_where_it_came_from(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    options = ("--method", "eda", "--method", "noise", "--method", "strip", "--per-row", "2", "--json")
    assert augment("--data", data, "--out", out, *options) == 0
    summary = json.loads(capsys.readouterr().out)
    rows, texts = written(out), list(TEXTS)
    assert summary["copies"] == {"eda": 12, "noise": 12, "strip": 12}
    assert summary["parameters"]["eda"]["synonyms"] == "shipped"
    assert len(rows) == len({row["text"] for row in rows}) == 36
    for row in rows:
        text = texts[int(row["source_row"]) - 1]
        assert (row["source_file"], row["source"]) == ("data.csv", corpora.text_key(text))
        assert [label for label in JIGSAW_LABELS if row[label] == "1"] == [
            label for label in JIGSAW_LABELS if label in TEXTS[text]
        ]
        assert (row["obscene"] == "") == ("threat" in TEXTS[text])
        assert (row["weight"], row["sample"]) == ("2.5", "natural")
        assert row["text"] != text
        if row["method"] == "eda":
            assert json.loads(row["parameters"])["seed"] == 0
    loaded = corpora.load([out])
    assert len(loaded) == 36
    assert loaded["source"] == [row["source"] for row in rows]


def test_the_seed_decides_and_originals_come_when_asked_for(data: Path, tmp_path: Path) -> None:
    made = [tmp_path / f"{n}.csv" for n in range(3)]
    for path, seed in zip(made, (1, 1, 2), strict=True):
        options = ("--method", "eda", "--method", "join", "--method", "noise", "--with-originals")
        assert augment("--data", data, "--out", path, "--seed", str(seed), *options) == 0
    assert made[0].read_bytes() == made[1].read_bytes() != made[2].read_bytes()
    assert [row["text"] for row in written(made[0])[: len(TEXTS)]] == list(TEXTS)


def test_only_rows_with_a_rare_label_are_augmented(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert augment("--data", data, "--out", out, "--method", "eda", "--only-label", "threat") == 0
    assert {row["source_row"] for row in written(out)} == {"6"}
    assert len(written(out)) == 4
    assert augment("--data", data, "--out", tmp_path / "two.csv", "--method", "strip", "--limit", "2") == 0
    assert len({row["source"] for row in written(tmp_path / "two.csv")}) == 2


def test_a_joined_copy_has_the_labels_and_the_sources_of_both(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    chosen = ("--only-label", "toxic", "--per-row", "2")
    assert augment("--data", data, "--out", out, "--method", "join", *chosen) == 0
    rows, texts = written(out), list(TEXTS)
    assert len(rows) == 4
    for row in rows:
        one, other = (texts[int(number) - 1] for number in row["source_row"].split("+"))
        assert one in row["text"] and other in row["text"]
        assert row["source"] == f"{corpora.text_key(one)}|{corpora.text_key(other)}"
        assert row["toxic"] == "1" and TEXTS[other] == ()
    used = [row["source"].split("|")[1] for row in rows]
    assert len(set(used)) == 4


def test_words_that_carry_a_label_are_kept(data: Path, tmp_path: Path) -> None:
    words, out = tmp_path / "words.txt", tmp_path / "out.csv"
    words.write_text("Fool\nhurt\n", encoding="utf-8")
    options = ("--method", "eda", "--alpha", "1", "--per-row", "8", "--only-label", "toxic")
    assert augment("--data", data, "--out", out, *options, "--protect", words) == 0
    assert len(written(out)) > 4
    for row in written(out):
        assert ("fool" if row["source_row"] == "5" else "hurt") in row["text"].lower()


def test_the_words_of_the_labels_are_found_in_the_data() -> None:
    polite = [f"thanks for the article number {n}, you are kind" for n in range(60)]
    rude = [f"you are a {word}, number {n}" for n, word in enumerate(["fool", "idiot"] * 15)]
    labels = [[0.0, float("nan")]] * 60 + [[1.0, float("nan")]] * 30
    assert label_words(polite + rude, labels) == {"fool", "idiot"}
    assert label_words(polite, labels[:60]) == label_words([], []) == frozenset()


@pytest.mark.parametrize(
    "held", ["the GARDEN of the museum is lovely in spriiing", "garden of the museum is lovely in spring!"]
)
def test_a_row_that_is_held_out_or_nearly_is_refused_by_number_without_its_text(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], held: str
) -> None:
    other = tmp_path / "held.csv"
    other.write_text(f"text,{','.join(JIGSAW_LABELS)}\n{held},0,0,0,0,0,0\n", encoding="utf-8")
    out = tmp_path / "out.csv"
    assert augment("--data", data, "--out", out, "--method", "eda", "--held-out", other) == 2
    error = capsys.readouterr().err
    assert "data.csv row 2" in error and "museum" not in error
    assert list(tmp_path.glob("out.csv*")) == []
    # the row itself is not augmented here
    rare = ("--only-label", "threat", "--held-out", other)
    assert augment("--data", data, "--out", out, "--method", "eda", *rare) == 0
    # but joining may draw it
    joining = ("--method", "join", *rare)
    assert augment("--data", data, "--out", tmp_path / "joined.csv", *joining) == 2
    assert augment("--data", data, "--out", tmp_path / "joined.csv", *joining, "--skip-held-out") == 0
    assert "museum" not in (tmp_path / "joined.csv").read_text(encoding="utf-8")
    assert "1 left out" in capsys.readouterr().out


def test_a_copy_that_became_a_held_out_text_is_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, held = tmp_path / "data.csv", tmp_path / "held.csv"
    data.write_text("text,bad\nfool garden,1\n", encoding="utf-8")
    held.write_text("text,bad\nfool,1\ngarden,0\n", encoding="utf-8")
    options = ("--method", "eda", "--per-row", "9", "--alpha", "0.6", "--labels", "bad", "--json")
    assert augment("--data", data, "--out", tmp_path / "o.csv", *options, "--held-out", held) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["dropped"]["copies that became nearly a held-out text"] >= 1
    assert not {"fool", "garden"} & {row["text"].strip() for row in written(tmp_path / "o.csv")}


def test_paraphrase_and_back_translation_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.toxicity_ml.tiny_seq2seq import build_marian, build_t5

    there = build_marian(tmp_path / "there", {"you are a fool": "du bist ein narr"})
    back = build_marian(tmp_path / "back", {"du bist ein narr": "what a fool you are"})
    pairs = {"paraphrase: you are a fool": "you must be some idiot", "paraphrase: a garden": "the garden"}
    rephrase = build_t5(tmp_path / "t5", pairs)
    data = tmp_path / "data.csv"
    data.write_text("text,label\nyou are a fool,rude\n,fine\n", encoding="utf-8")
    classes = ("--task", "single_label", "--labels", "fine", "rude", "--per-row", "1")
    out = tmp_path / "out.csv"
    options = ("--method", "back-translation", "--model", there, "--back-model", back)
    assert augment("--data", data, "--out", out, *classes, *options) == 0
    (row,) = written(out)
    assert (row["text"], row["fine"], row["rude"]) == ("what a fool you are", "0", "1")
    assert json.loads(row["parameters"])["model"] == str(there)
    options = ("--method", "paraphrase", "--model", rephrase)
    assert augment("--data", data, "--out", tmp_path / "p.csv", *classes, *options) == 0
    assert [row["text"] for row in written(tmp_path / "p.csv")] == ["you must be some idiot"]
    assert corpora.load([tmp_path / "p.csv"], ["fine", "rude"], "single_label")["labels"] == [[0, 1]]
    assert augment("--data", data, "--out", tmp_path / "x.csv", *classes, *options[:3], "/nowhere/t5") == 2
    assert "/nowhere/t5 does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "paraphrase"], "needs --model"),
        (["--method", "back-translation"], "--pivot"),
        (["--method", "eda", "--only-label", "rude"], "rude"),
        (["--method", "eda", "--per-row", "0"], "--per-row"),
        (["--method", "eda", "--alpha", "2"], "from 0 to 1"),
        (["--method", "eda", "--protect", "/nowhere.txt"], "/nowhere.txt"),
        (["--method", "eda", "--only-label", "severe_toxic"], "No row has"),
        (["--method", "join", "--task", "single_label", "--labels", "a", "b"], "multi_label only"),
        (["--method", "eda", "--task", "single_label"], "--labels"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_nothing_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert augment("--data", data, "--out", tmp_path / "out.csv", *options) == 2
    error = capsys.readouterr().err
    assert said in error and len(error.splitlines()) == 1
    assert list(tmp_path.glob("out.csv*")) == []


def test_an_existing_file_is_never_overwritten(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = data.read_bytes()
    assert augment("--data", data, "--out", data, "--method", "eda") == 2
    assert "exists" in capsys.readouterr().err and data.read_bytes() == before
    assert augment("--data", data, "--out", data.with_suffix(".txt"), "--method", "eda") == 2


# --- splits ----------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(
    st.lists(st.text("abcd ", min_size=1, max_size=12), min_size=1, max_size=12),
    st.sampled_from([0.2, 0.5]),
    st.integers(0, 9),
)
def test_no_copy_crosses_a_split_not_even_a_copy_of_a_copy(texts: list[str], share: float, seed: int) -> None:
    rows = [Row(text, (0.0,), "f", number) for number, text in enumerate(texts, start=1)]
    copies = [*rewritten(rows, lambda found, n: noisy(found, n, seed), "noise", 2, int)]
    copies += joined(rows, rows, 1, seed)
    again = [Row(copy.text, copy.labels, "g", n, source=copy.source) for n, copy in enumerate(copies, 1)]
    copies += rewritten(again, stripped, "strip", 2, int)
    everything: list[dict[str, Any]] = [{"text": row.text, "labels": row.labels} for row in rows]
    everything += [{"text": copy.text, "labels": copy.labels, "source": copy.source} for copy in copies]
    rest, aside = corpora.split(corpora.from_rows(everything, ["bad"]), share, seed)
    sides = [
        {key for row in side for key in (corpora.text_key(row["text"]), *row["source"].split("|")) if key}
        for side in (rest, aside)
    ]
    assert not sides[0] & sides[1]
    assert len(rest) + len(aside) == len(everything)


def test_joining_leaves_families_small_enough_to_split() -> None:
    rows = [Row(f"text {n} {chr(97 + n % 26) * 2}q{n}", (0.0,), "f", n) for n in range(400)]
    copies = list(joined(rows, rows, 2, seed=0))
    data = [{"text": row.text, "labels": row.labels} for row in rows]
    data += [{"text": copy.text, "labels": copy.labels, "source": copy.source} for copy in copies]
    _, aside = corpora.split(corpora.from_rows(data, ["bad"]), 0.3, 1)
    assert len(copies) > 200
    assert 0.2 < len(aside) / len(data) < 0.4
