"""What the report says of kinds of comments and of mistakes, by scorers that are known by heart."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from toxicity_ml.errors import DataError
from toxicity_ml.reporting import causes, mistakes, plots, report, slices
from toxicity_ml.reporting.decisive_words import decisive_words
from toxicity_ml.reporting.identity_terms import mentioned
from toxicity_ml.reporting.markup import escaped, figure, table, visible
from toxicity_ml.reporting.page import page
from toxicity_ml.reporting.rows import Rows, Scorer

LABELS = ("toxic", "insult")


def rows_of(texts: Sequence[str], targets: Sequence[Sequence[float]], samples: Sequence[str] = ()) -> Rows:
    count = len(texts)
    return Rows(
        "rows.csv",
        tuple(texts),
        np.array(targets, dtype=float),
        np.ones(count),
        tuple(samples) or ("",) * count,
        tuple(("rows.csv", number) for number in range(1, count + 1)),
    )


def scorer_of(score: Callable[[str], float], name: str = "rude@1", task: str = "multi_label") -> Scorer:
    """A scorer of two labels whose second score is half of the first, or of two classes."""

    def predict(texts: Sequence[str]) -> np.ndarray:
        found = np.array([score(text) for text in texts])
        return np.stack([found, 1 - found if task == "single_label" else found / 2], axis=1)

    return Scorer(name, predict, (0.5, 0.5), LABELS, task)


def rude(text: str) -> float:
    """By the rudest word, a little less in company."""
    words = re.findall(r"\w+", text.lower())
    strength = {"idiot": 0.95, "moron": 0.8, "silly": 0.4}
    return max((strength.get(word, 0.01) for word in words), default=0.0) - 0.001 * min(len(words), 50)


def test_a_hostile_comment_is_shown_as_text_and_hides_nothing() -> None:
    shown = visible("<script>alert('x')</script> a\u202eb\x00\x00\x00c\u200bd\ud800 e" + "\u0301" * 40)
    assert "<script" not in shown and "&lt;script&gt;" in shown
    for code in ("U+202E", "U+0000 \u00d73", "U+200B", "U+D800"):
        assert code in shown
    assert not re.search("[\u202e\x00\u200b\ud800]", shown)
    assert shown.count("\u0301") == 3
    assert visible("two\r\nlines") == "<bdi>two\nlines</bdi>"
    assert visible("you <b> idiot", (8, 13)) == "<bdi>you &lt;b&gt; <mark>idiot</mark></bdi>"


def test_cells_are_escaped_and_missing_figures_say_why() -> None:
    found = table(["<a>"], [["<b>", "<i>", 1234, figure(None, True), figure(None)]])
    assert "<b>" not in found and "&lt;i&gt;" in found and "1,234" in found
    assert "too few" in found and "undefined" in found
    assert escaped(found) is found


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("Muslims and Jews live here", {"Muslim", "Jewish"}),
        ("a black cat on a white wall, straight ahead, blind to it", set()),
        ("Black people and a trans woman", {"Black", "transgender", "women"}),
        ("manual, gayety, womb, islamabad", set()),
        ("THE GAY COMMUNITY", {"gay"}),
    ],
)
def test_a_group_is_named_by_whole_words_that_mean_people(text: str, groups: set[str]) -> None:
    found = mentioned(text)
    assert set(found) == groups
    assert all(text[start:end].strip() for spans in found.values() for start, end in spans)


def test_the_decisive_word_is_found_in_short_and_long_texts_and_lies_in_the_original() -> None:
    scorer = scorer_of(rude)
    long = "a quiet sentence about the weather. " * 40 + "you (idiot)! " + "and so on it went. " * 40
    texts = ["You are an idiot.", long, "", "   ", "!!!"]
    found = decisive_words(texts, [0] * 5, scorer.predict)
    assert found[0] is not None and texts[0][found[0].start : found[0].end] == "idiot"
    assert found[1] is not None and long[found[1].start : found[1].end] == "idiot"
    assert found[0].score_without == pytest.approx(rude("You are an ."))
    assert found[1].score_without == pytest.approx(rude(long.replace("idiot", "")))
    assert found[2] is None and found[3] is None
    assert found[4] is not None and texts[4][found[4].start : found[4].end] == "!!!"


def test_long_texts_cost_a_bounded_number_of_scores() -> None:
    scored: list[int] = []

    def counting(texts: Sequence[str]) -> np.ndarray:
        scored.append(sum(map(len, texts)))
        return scorer_of(rude).predict(texts)

    text = "word and another " * 3000
    decisive_words([text], [0], counting)
    assert sum(scored) < 3 * len(text)


@pytest.mark.parametrize(
    ("text", "score", "cause"),
    [
        ('He said "you idiot" and left.', 0.7, "strong word quoted"),
        ("> you idiot\nWhy did you write that?", 0.7, "strong word quoted"),
        ("You are not an idiot, really.", 0.7, "strong word negated"),
        ("You aren't an idiot.", 0.7, "strong word negated"),
        ("I want an idiot proof guide.", 0.7, "strong word in harmless use"),
        ("An idiot, plainly.", 0.95, "label noise"),
        ("Muslims live here.", 0.6, "identity term"),
        ("WHY DID YOU DELETE THIS", 0.6, "shouting"),
        ("why did you delete what i wrote about it", 0.6, "stripped punctuation"),
        ("The river, as we know, is long. " * 30, 0.6, "long text"),
        ("Well, well.", 0.6, "other"),
    ],
)
def test_a_false_positive_has_the_cause_that_a_reader_would_name(text: str, score: float, cause: str) -> None:
    strong = causes.strong_spans(text, frozenset({"idiot"}))
    assert causes.causes_of_false_positive(causes.Judged(text, score, 0.5, strong, None))[0] == cause
    assert cause in causes.EXPLANATIONS


@pytest.mark.parametrize(
    ("text", "score", "cause"),
    [
        ("you i d i o t, go", 0.1, "word disguised"),
        ("you id*ot, go", 0.1, "word disguised"),
        ("you 1d1ot m0ron, go", 0.1, "word disguised"),
        ("Go away, will you.", 0.4, "just under the threshold"),
        ("Some idiot, it seems.", 0.1, "strong word outweighed"),
        ("The weather is fine.", 0.001, "label noise"),
        ("People like you, well.", 0.1, "no strong word"),
        ("Write to me@example.org, please.", 0.1, "no strong word"),
    ],
)
def test_a_false_negative_has_the_cause_that_a_reader_would_name(text: str, score: float, cause: str) -> None:
    strong = causes.strong_spans(text, frozenset({"idiot"}))
    assert causes.causes_of_false_negative(causes.Judged(text, score, 0.5, strong, None))[0] == cause


def test_any_text_has_a_cause() -> None:
    for text in (
        "",
        "\x00",
        "a" * 9000,
        "a." * 9000,
        '"' * 9000,
        "' " * 9000,
        "> \n" * 9000,
        "*a" * 9000,
        "\ud800",
    ):
        judged = causes.Judged(text, 0.6, 0.5, ((0, 1),), None)
        assert causes.causes_of_false_positive(judged) and causes.causes_of_false_negative(judged)


MISTAKEN = rows_of(
    ["you idiot", "what a moron", "an idiot again", "a fine day", "you snake", "silly you", "idiot or not"],
    [[0, 0], [0, 0], [1, 1], [0, 0], [1, 0], [1, 1], [float("nan"), 0]],
)


def test_mistakes_are_found_ordered_and_explained() -> None:
    scorer = scorer_of(rude)
    found = mistakes.mistakes(MISTAKEN, scorer.predict(MISTAKEN.texts), scorer)
    wrong, missed = found["false_positives"], found["false_negatives"]
    assert [example["row"] for example in wrong["examples"]] == [1, 2]  # the masked row is neither
    assert [example["row"] for example in missed["examples"]] == [5, 6]
    first = wrong["examples"][0]
    assert first["scores"] == {"toxic": 0.948} and first["true"] == [] and first["file"] == "rows.csv"
    assert first["causes"][0] == "label noise"
    assert first["word"] == {
        "text": "idiot",
        "start": 4,
        "end": 9,
        "score_without": pytest.approx(0.009),
        "decides_alone": True,
    }
    assert missed["examples"][0]["causes"] == ["label noise", "no strong word"]
    assert missed["examples"][1]["causes"] == ["just under the threshold", "no strong word"]
    assert wrong["by_cause"]["strong word in harmless use"] == {"first": 1, "any": 2}
    quiet = mistakes.mistakes(MISTAKEN, scorer.predict(MISTAKEN.texts), scorer, with_texts=False)
    assert "idiot" not in json.dumps(quiet) and quiet["false_positives"]["count"] == 2
    none = mistakes.mistakes(MISTAKEN, scorer.predict(MISTAKEN.texts), scorer, shown=0)
    assert none["false_positives"]["examples"] == [] and none["false_positives"]["count"] == 2


def test_a_long_comment_is_cut_around_its_decisive_word() -> None:
    scorer = scorer_of(rude)
    rows = rows_of(["so " * 500 + "you idiot " + "so " * 500], [[0, 0]])
    example = mistakes.mistakes(rows, scorer.predict(rows.texts), scorer)["false_positives"]["examples"][0]
    word = example["word"]
    assert len(example["text"]) == mistakes.TEXT_SHOWN and example["cut"]
    assert example["text"][word["start"] : word["end"]] == "idiot"


def natural_rows(count: int = 120) -> Rows:
    """A third of them toxic and half of them natural, all with punctuation."""
    texts = [f"Well, {'you idiot' if n % 3 == 0 else 'a day'}, number {n}. It's so." for n in range(count)]
    targets = [[float(n % 3 == 0), float(n % 6 == 0)] for n in range(count)]
    return rows_of(texts, targets, ["natural" if n % 2 else "picked" for n in range(count)])


def test_a_model_that_takes_missing_punctuation_for_toxic_is_over_the_limit() -> None:
    rows = natural_rows()
    fair, unfair = scorer_of(rude), scorer_of(lambda text: rude(text) if "." in text else 0.9)
    good = slices.by_punctuation(rows, fair.predict(rows.texts), fair, 50)
    bad = slices.by_punctuation(rows, unfair.predict(rows.texts), unfair, 50)
    assert good["rows"] == bad["rows"] == 60  # the natural ones
    assert good["flagged_ratio"]["value"] == 1 and good["within_limit"] is True
    assert bad["flagged_ratio"]["value"] == pytest.approx(3) and bad["within_limit"] is False
    toxic = bad["labels"]["toxic"]
    assert toxic["stripped"]["low"] > toxic["raw"]["high"]
    assert bad["labels"]["insult"] == {"positives": 0, "too_few": True, "raw": None, "stripped": None}


def test_slices_hold_each_row_once_and_leave_out_what_is_too_few() -> None:
    rows = natural_rows()
    scorer = scorer_of(rude)
    scores = scorer.predict(rows.texts)
    lengths = slices.by_length(rows, scores, scorer, 20)
    assert sum(found["rows"] for found in lengths.values()) == 120
    samples = slices.by_sample(rows, scores, scorer, 20)
    assert {name: found["rows"] for name, found in samples.items()} == {"natural": 60, "picked": 60}
    assert samples["natural"]["recall"]["value"] == 1.0
    assert samples["natural"]["labels"]["insult"]["too_few"]
    named = replace(rows, texts=("A Muslim neighbour, an idiot.", *rows.texts[1:]))
    groups = slices.by_identity(named, scorer.predict(named.texts), scorer, 20)
    assert set(groups) == {"Muslim", slices.ANY_GROUP}
    assert groups["Muslim"]["bias"]["too_few"] and groups["Muslim"]["flags_per_1000"] is None
    assert slices.by_sample(replace(rows, samples=("",) * 120), scores, scorer, 20) == {}


def test_the_page_stands_alone_and_quotes_no_markup() -> None:
    rows = natural_rows()
    hostile = "<img src=x onerror=alert(1)> idiot \u202e"
    rows = replace(rows, texts=(*rows.texts[:1], hostile, *rows.texts[2:]))
    found = report.report([rows], [scorer_of(rude), scorer_of(lambda text: 0.3, "dull@1")], resamples=30)
    shown = page(found)
    assert "<img" not in shown and "<script" not in shown and "&lt;img src=x" in shown and "U+202E" in shown
    links = set(
        re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", re.sub(r"<bdi>.*?</bdi>", "", shown))
    )
    assert links and all(link.startswith("#") for link in links)
    assert "too few" in shown and shown.count("<svg") == 2 * 4
    for svg in re.findall(r"<svg.*?</svg>", shown, re.DOTALL):
        root = ElementTree.fromstring(svg)  # noqa: S314 - our own
        assert "currentColor" in svg and root.get("viewBox") and root.get("aria-label")
    anchors = re.findall(r' id="?([\w-]+)"?>', shown)
    assert {link[1:] for link in re.findall(r'<a href="([^"]+)"', shown)} <= set(anchors)


def test_a_single_label_report_has_its_own_sections() -> None:
    texts = [f"{'idiot' if n % 4 else 'day'} {n}, but not so" for n in range(80)]
    targets = [[1.0, 0.0] if n % 2 else [0.0, 1.0] for n in range(80)]
    scorer = scorer_of(rude, task="single_label")
    found = report.report([rows_of(texts, targets)], [scorer], resamples=30)
    figures = found["parts"]["rows.csv"][scorer.name]
    assert figures["accuracy"]["value"] == pytest.approx(0.75)
    assert figures["confusion_counts"]["insult"] == {"toxic": 20, "insult": 20}
    assert found["mistakes"]["wrong_class"]["count"] == 20
    assert "contrast" in found["mistakes"]["wrong_class"]["by_cause"]
    assert found["slices"][scorer.name]["punctuation"]["changed"]["value"] == 0
    assert "accuracy" in page(found)
    json.dumps(found, allow_nan=False)


def test_models_with_other_labels_are_not_set_beside_each_other() -> None:
    other = replace(scorer_of(rude), labels=("toxic", "threat"), name="other@1")
    with pytest.raises(DataError, match=r"other@1 has other labels than rude@1 \(toxic, threat"):
        report.report([natural_rows()], [scorer_of(rude), other], resamples=5)


def test_a_reliability_plot_needs_no_complete_figure() -> None:
    bins = [{"predicted": 0.1, "observed": None, "rows": 1}]
    assert plots.reliability({"a": {"bins": bins}}).startswith("<svg")
