"""What the scripts rest on: rows that nobody trains on, folds, held labels, teachers' scores."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from setuptools import find_packages

from experiments import aims, distil, holding, mix_logits, mixture, places, score_rows, served, steps
from experiments.cut_vocabulary import is_needed_sign, kept_pieces
from experiments.figures import best_f1_threshold, ranked
from experiments.leave_out import brought
from experiments.places import DATA_VARIABLE, load_arrays, save_arrays
from experiments.rows import fold_of, is_held_out, is_in_fold, jigsaw, kept_folds, sides, truth_of, wider
from experiments.score_rows import key
from mysite.demo.environment import BASE_DIR
from tests.experiments.made_up_data import SOURCES


def test_nobody_trains_on_the_rows_of_the_last_measurement() -> None:
    trained, held = wider(part="train"), wider(part="test")
    assert len(held) > 10 and not set(trained.id) & set(held.id)
    assert len(trained) + len(held) == 60 * len(SOURCES)
    assert not held.source.isin(["hatemoji", "paradetox"]).any()


def test_copies_that_differ_in_no_letter_are_on_one_side() -> None:
    texts = [f"Some words, {'abcdefghij'[number % 10] * (number // 10 + 1)}" for number in range(200)]
    shouted = [f"  {text.upper()}!!!" for text in texts]
    assert [fold_of(text, 3) for text in texts] == [fold_of(text, 3) for text in shouted]
    assert [is_held_out(text, "x") for text in texts] == [is_held_out(text, "x") for text in shouted]
    assert sum(is_in_fold(texts, f"{fold}/3").astype(int) for fold in range(3)).tolist() == [1] * 200


def test_a_mixture_is_drawn_anew_by_its_seed_alone(tmp_path: Path) -> None:
    made = {}
    for name, seed in (("first", "4"), ("again", "4"), ("other", "5")):
        out = tmp_path / f"{name}.npz"
        given = ["--scale", "0.02", "--draws", "1", "--rehearse", "0", "--seed", seed]
        mixture.main([*given, "--leave-out", "edos", "--fold", "0/2", "--out", str(out)])
        made[name] = load_arrays(out)
    assert all(np.array_equal(made["first"][key], made["again"][key]) for key in made["first"])
    assert made["first"]["text"].tolist() != made["other"]["text"].tolist()
    sources = set(made["first"]["source"].tolist())
    assert "edos" not in sources and {"jigsaw", "davidson", "own phrases", "own veiled"} <= sources
    assert np.isfinite(made["first"]["targets"]).all() and (made["first"]["weights"] >= 0).all()


def options(**given: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    holding.add_arguments(parser)
    return argparse.Namespace(**{**vars(parser.parse_args([])), **given})


def test_what_is_held_and_what_is_learned() -> None:
    sources = np.array(["jigsaw", "davidson", "davidson", "hatemoji", "own veiled"])
    targets = np.array([[1.0] * 6, [1.0] * 6, [0.0] * 6, [1.0] * 6, [1.0] * 6])
    weights = np.array([[1.0] * 6, [0.6] + [0.0] * 5, [0.6] * 6, [1.0] * 6, [1.0] * 6])
    logits = np.array([[5.0] * 6, [5.0] * 6, [5.0] * 6, [5.0] * 6, [-5.0] * 6])
    learned = options(hold=0.1, hold_unknown=0.03, confirmed=0.02, learn=["toxic"])
    weight, hold = holding.held(sources, targets, weights, logits, learned)
    assert weight[0].tolist() == [1.0] * 6 and hold[0] == pytest.approx([0.1] * 6)
    assert weight[1].tolist() == [0.0] * 6  # toxic only confirms what the start says
    assert hold[1] == pytest.approx([0.02] + [0.03] * 5)
    assert weight[2] == pytest.approx([0.6] + [0.0] * 5)  # it contradicts: learned, and not held
    assert hold[2] == pytest.approx([0.0] + [0.03] * 5)
    assert not hold[3].any() and not np.delete(weight[3], 0).any()
    assert weight[4].tolist() == [1.0] * 6  # of our own rows every label is learned


def test_no_row_is_taught_by_the_teacher_of_its_fold(tmp_path: Path) -> None:
    """By the fold of its text in the source: misspelt or joined, many a text would hash into another."""
    file, sizes = tmp_path / "rows.npz", ["--scale", "0.3", "--draws", "1", "--phrases", "20"]
    plain = ["--rehearse", "0", "--joined", "0.5", "--noise", "1", "--stripped", "0.5"]
    mixture.main([*sizes, *plain, "--out", str(file)])
    rows = load_arrays(file)
    english = pd.concat([wider(), jigsaw()])
    originals = dict(zip(english.id.astype(str), english.text, strict=True))
    own = np.char.startswith(rows["source"], "own")
    folds = np.array([fold_of(originals[name], 2) for name in rows["id"][~own]])
    disturbed = np.array([fold_of(text, 2) for text in rows["text"][~own].tolist()])
    assert kept_folds(rows, 2)[~own].tolist() == folds.tolist() and (folds != disturbed).mean() > 0.1
    files = []
    for teacher in range(2):
        files.append(str(tmp_path / f"{teacher}.npz"))
        logits = np.where(rows["targets"] > 0.5, 2.0, -2.0)
        logits[np.flatnonzero(~own)[folds == teacher]] = np.nan  # its own fold: never to be used
        save_arrays(files[-1], {"text_key": np.array([key(text) for text in rows["text"]]), "logits": logits})
        to_score = score_rows.texts_to_score([str(file)], f"{teacher}/2")
        assert set(to_score.values()) >= set(rows["text"][~own][folds != teacher].tolist())
        assert not set(to_score.values()) & set(rows["text"][~own][folds == teacher].tolist())
    score, is_taught = distil.teachers_scores(rows, files)
    assert is_taught.tolist() == (~own).tolist() and np.isfinite(score).all()


def test_rows_without_folds_are_not_taught_crosswise(tmp_path: Path) -> None:
    rows = {"text": np.array(["some text"]), "source": np.array(["davidson"])}
    with pytest.raises(SystemExit, match="which fold"):
        distil.teachers_scores(rows, ["a.npz", "b.npz"])


def test_sources_without_clean_rows_borrow_those_of_their_like() -> None:
    rows = wider(part="valid").assign(set="wider")
    rows.loc[rows.source == "edos", "toxic"] = 1.0
    truth = truth_of(rows)
    assert not sides(rows, truth, "edos", borrows=False)[1].any()
    positive, negative = sides(rows, truth, "edos", borrows=True)
    assert set(rows.source[positive]) == {"edos"}
    assert set(rows.source[negative]) == {"toxichat_reddit", "misogyny_reddit", "gab_hate_corpus"}
    _, negative = sides(rows, truth, "implicit_hate", borrows=False)
    assert set(rows.source[negative]) == {"implicit_hate"} and rows.toxic[negative].isna().all()


def test_figures_of_two_sides() -> None:
    negative = np.arange(100.0)
    found = ranked(np.array([98.5] * 5 + [50.0] * 5 + [200.0] * 10), negative)
    assert found["recall at 1, 3, 5 %"] == [0.75, 0.75, 0.75] and 0.8 < found["auc"] < 0.95
    assert ranked(negative[:9], negative) == {}
    truth = np.array([True, True, False, False])
    assert best_f1_threshold(truth, np.array([3.0, 2.0, 1.0, 0.0]), np.ones(4)) == 1.5


def test_mixed_logits_lie_between_both() -> None:
    mixed = mix_logits.mixes(np.zeros((2, 6)), np.ones((2, 6)), [0, 0.3, 1])
    assert list(mixed) == ["all 0", "all 0.3", "all 1", "toxic 0.3", "toxic 1"]
    assert mixed["all 0.3"] == pytest.approx(np.full((2, 6), 0.3))
    assert mixed["toxic 1"].tolist() == [[1, 0, 0, 0, 0, 0]] * 2


def test_an_aim_is_starred_where_it_is_met_and_only_there() -> None:
    def figures(found: float) -> dict[str, object]:
        entry = {"right": found, "clear right": 1.0, "flagged right": found}
        return {
            aims.MEAN_AP: found,
            "sources": {"ruddit": {"auc": found}},
            "kinds": {"self": entry, "all": {"right": found, "lowest": found}},
        }

    lines = aims.table({"shipped": figures(0.77), "new": figures(0.764)}).splitlines()
    assert "| Jigsaw mean AP of five >= .765 | 0.77 * | 0.764 |" in lines
    assert "| ruddit: AUC, down by no more than .005 | 0.77 * | 0.764 |" in lines
    assert "| kind self: right >= .70 (clear, flagged) | 0.77 (1.0, 0.77) * | 0.764 (1.0, 0.764) * |" in lines
    assert "| threat | - | - |" in lines


def test_what_a_group_brings_is_the_mean_of_its_seeds() -> None:
    def result(area: float) -> dict[str, object]:
        return {
            "sources": {"toxic_spans": {"auc": area, "insult auc": 0.8}},
            "jigsaw": {"mean ap of five": 0.75},
            "kinds": {"all": {"right": 0.7}},
        }

    areas = {"all-1": 0.9, "all-2": 0.92, "news-1": 0.8, "news-2": 0.86}
    table = brought({name: result(area) for name, area in areas.items()})
    assert "| toxic_spans | 0.910 | -8.0 |" in table and "| kinds right | 0.700 | +0.0 |" in table


def test_an_interval_by_pairs_is_that_of_the_mean_over_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two pairs, one of nine rows that gain and one of one row that doesn't, rows gain .9 and not .5."""
    monkeypatch.setattr(served, "RESAMPLES", 400)
    gain, pair = np.array([1.0] * 9 + [0.0]), np.array(["large"] * 9 + ["small"])
    assert served.mean_by_pairs(gain, pair, np.random.default_rng(1)) == [0.9, 0.0, 1.0]
    gain = np.tile(gain, 200)
    pair = np.array([f"{name} {place // 10}" for place, name in enumerate([*pair] * 200)])
    value, low, high = served.mean_by_pairs(gain, pair, np.random.default_rng(1))
    assert value == 0.9 and 0.87 < low < 0.9 < high < 0.93


def test_a_step_that_makes_nothing_stops_the_run(tmp_path: Path) -> None:
    taken: list[list[str]] = []
    lazy = steps.Step("lazy", lambda given: taken.append(list(given)), ["--seed", 3], tmp_path / "missing")
    with pytest.raises(SystemExit, match="lazy did not make"):
        steps.take([lazy, lazy])
    assert taken == [["--seed", "3"]]


def test_without_a_folder_of_data_the_command_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, "/nowhere/at/all")
    with pytest.raises(SystemExit, match=DATA_VARIABLE):
        places.data()


def test_a_file_of_arrays_appears_whole(tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.npz", {"x": np.arange(3)})
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.npz"]
    assert load_arrays(tmp_path / "a.npz")["x"].tolist() == [0, 1, 2]


def test_no_experiment_is_in_the_wheel() -> None:
    setuptools = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["tool"]["setuptools"]
    packaged = find_packages(str(BASE_DIR), include=setuptools["packages"]["find"]["include"])
    assert "toxicity_ml.augmentation.kinds" in packaged
    assert not [name for name in packaged if name.partition(".")[0] in ("experiments", "tests")]


def test_pieces_that_a_language_writes_with_are_kept() -> None:
    assert is_needed_sign("▁ü", ["de"]) and is_needed_sign("▁", ["de"]) and is_needed_sign("—", ["de"])
    assert not is_needed_sign("ж", ["de"]) and not is_needed_sign("▁und", ["de"])
    assert is_needed_sign("中", ["zh"]) and not is_needed_sign("中", ["de"])
    vocabulary = [["<s>", 0.0], ["▁und", -1.0], ["▁или", -2.0], ["ü", -3.0]]
    content = {"added_tokens": [{"id": 0}], "model": {"vocab": vocabulary}}
    assert kept_pieces(content, {1: 2, 2: 1}, ["de"], least=2) == [0, 1, 3]
