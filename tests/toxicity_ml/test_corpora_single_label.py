"""One class a text: SST-2's own form, GLUE's, a column of classes, a column per class, the hub."""

import math
import zipfile
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from toxicity_ml import corpora
from toxicity_ml.corpora import SST2_CLASSES
from toxicity_ml.errors import DataError

TEXTS = ['a "fine film', "dull , dull , dull"]
ONE_HOT = [[0.0, 1.0], [1.0, 0.0]]
FORMS = {
    "bare.tsv": f"{TEXTS[0]}\t1\n{TEXTS[1]}\t0\n",
    "glue.tsv": f"sentence\tlabel\n{TEXTS[0]}\t1\n{TEXTS[1]}\t0\n",
    "names.csv": f'text,label\n"{TEXTS[0].replace(chr(34), chr(34) * 2)}",Positive\n"{TEXTS[1]}",negative\n',
    "numbers.csv": f'id,comment_text,label\n7,"a ""fine film",1\n8,"{TEXTS[1]}",0.0\n',
    "columns.csv": f'text,positive,negative\n"a ""fine film",1,0\n"{TEXTS[1]}",0,1\n',
}


def load(*sources: Path | str, classes: tuple[str, ...] = SST2_CLASSES) -> Dataset:
    return corpora.load(sources, classes, task="single_label")


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_one_hot_rows(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FORMS[name])
    rows = load(tmp_path / name)
    assert list(rows["text"]) == TEXTS
    assert [list(labels) for labels in rows["labels"]] == ONE_HOT


def test_a_zip_of_tsv_files_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "sst2.zip", "w") as archive:
        archive.writestr("SST-2/train.tsv", FORMS["glue.tsv"])
        archive.writestr("SST-2/dev.tsv", FORMS["bare.tsv"])
    assert list(load(tmp_path / "sst2.zip")["text"]) == TEXTS * 2


def test_a_number_means_the_class_at_that_place_of_the_names_given(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(FORMS["bare.tsv"])
    rows = load(tmp_path / "a.tsv", classes=("good", "bad", "ugly"))
    assert [list(labels) for labels in rows["labels"]] == [[0, 1, 0], [1, 0, 0]]


def test_a_class_that_is_called_by_a_number_is_read_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "stars.csv").write_text("text,label\nfive,5\none,1\n")
    rows = load(tmp_path / "stars.csv", classes=("1", "2", "3", "4", "5"))
    assert [list(labels).index(1) for labels in rows["labels"]] == [4, 0]


def test_hub_rows_count_by_the_hubs_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def hub(names: list[str]) -> None:
        features = Features(sentence=Value("string"), label=ClassLabel(names=names))
        data = Dataset.from_dict({"sentence": TEXTS, "label": [1, 0]}, features=features)
        monkeypatch.setattr("datasets.load_dataset", lambda name, split: data)

    hub(["negative", "positive"])
    assert [list(labels) for labels in load("owner/sst2:train")["labels"]] == ONE_HOT
    turned = load("owner/sst2", classes=("positive", "negative"))
    assert [list(labels) for labels in turned["labels"]] == ONE_HOT[::-1]
    hub(["neg", "pos"])
    with pytest.raises(DataError, match="has the classes neg, pos: name these"):
        load("owner/sst2")


def test_a_row_without_a_class_is_masked_whole(tmp_path: Path) -> None:
    (tmp_path / "label.csv").write_text("text,label\na,\nb,positive\n")
    (tmp_path / "columns.csv").write_text("text,negative,positive\nc,,1\nd,0.25,0.75\n")
    labels = [list(row) for row in load(tmp_path / "label.csv", tmp_path / "columns.csv")["labels"]]
    assert [[math.isnan(value) for value in row] for row in labels] == [[True] * 2, [False] * 2] * 2
    assert labels[1] == [0.0, 1.0] and labels[3] == [0.25, 0.75]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,label\na,maybe\n", "row 2, column label: 'maybe' is neither a class"),
        ("a.csv", "text,label\na,-1\n", "nor a number from 0 to 1"),
        ("a.csv", "text,label\na,0.5\n", "nor a number from 0 to 1"),
        ("a.csv", "text,mood\na,0\n", "neither a column label nor one for each class"),
        ("a.csv", "text,positive\na,0\n", "no column negative"),
        ("a.csv", "text,negative,positive\na,1,1\n", "row 2: the classes sum to 2"),
        ("a.csv", "words,label\na,1\n", "no text column"),
        ("a.tsv", "a\t1\nb\n", "row 2 has 1 cells between tabs, not 2"),
        ("a.tsv", "", "neither a column label"),
        ("a.tsv", "index\tsentence\n0\ta\n", "row 1, column label: 'sentence' is neither a class"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        load(tmp_path / name)


def test_classes_must_differ_and_the_task_must_be_known(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(FORMS["bare.tsv"])
    with pytest.raises(DataError, match="same name"):
        load(tmp_path / "a.tsv", classes=("good", "Good"))
    with pytest.raises(ValueError, match="multi_label or single_label"):
        corpora.load([tmp_path / "a.tsv"], SST2_CLASSES, task="ranking")
