"""The suite rewrites as it says, finds the words that matter, and counts what is lost."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.toxicity_ml.tiny_model import FRIENDLY
from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import DataError
from toxicity_ml.robustness import LIMITS, REWRITES, Rewrite, attack, log_odds, toxic_words
from toxicity_ml.robustness.attacks import one_form, threshold_flagging
from toxicity_ml.robustness.rewrites import BENIGN, REPAIRABLE
from toxicity_ml.text.repair import repair

BY_NAME = {rewrite.name: rewrite for rewrite in REWRITES}
COMMENT = "You stupid friend, a STUPID day; stupidly."


def _natural(count: int) -> list[str]:
    """Friendly texts, all different."""
    rng = np.random.default_rng(11)
    words = [word for word in FRIENDLY if word.isalpha()]
    return [" ".join(rng.choice(words, size=6)) for _ in range(count)]


@pytest.mark.parametrize(
    ("name", "rewritten"),
    [
        ("dotted", "You s.t.u.p.i.d friend, a S.T.U.P.I.D day; stupidly."),
        ("spaced", "You s t u p i d friend, a S T U P I D day; stupidly."),
        ("quotes", 'You "stupid" friend, a "STUPID" day; stupidly.'),
        ("word masked", "You … friend, a … day; stupidly."),
    ],
)
def test_a_rewrite_changes_the_toxic_words_and_nothing_else(name: str, rewritten: str) -> None:
    assert BY_NAME[name](COMMENT, ["stupid"]) == rewritten


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite.name)
def test_a_rewrite_is_the_same_for_the_same_seed(rewrite: Rewrite) -> None:
    first = [rewrite(COMMENT, ["stupid"], seed) for seed in range(20)]
    assert first == [rewrite(COMMENT, ["stupid"], seed) for seed in range(20)]
    assert all(text != COMMENT for text in first)


@pytest.mark.parametrize(
    "rewrite",
    [rewrite for rewrite in REWRITES if rewrite.kind == REPAIRABLE],
    ids=lambda rewrite: rewrite.name,
)
@pytest.mark.parametrize("word", ["stupid", "idiot", "moron", "bastard", "Retarded"])
def test_what_is_called_repairable_is_repaired(rewrite: Rewrite, word: str) -> None:
    for seed in range(20):
        assert repair(rewrite(f"a {word}.", [word], seed)).text.lower() == f"a {word.lower()}."


def test_context_keeps_the_comment_as_it_is() -> None:
    text = BY_NAME["benign sentences before"](COMMENT, ["stupid"])
    assert text.endswith(f" {COMMENT}")
    assert sum(sentence in text for sentence in BENIGN) == 2


def test_noise_keeps_first_and_last_letters() -> None:
    for name in ("swapped letters", "dropped letter", "starred letters"):
        for seed in range(20):
            word = BY_NAME[name]("idiot", ["idiot"], seed)
            assert word[0] == "i"
            assert word[-1] == "t"
            assert word != "idiot"


def test_the_words_that_carry_the_label_are_found(tiny_classifier: Classifier) -> None:
    texts = ["you are a Stupid friend", "moron, we like this nice article", "a b c"]
    found = toxic_words(log_odds(tiny_classifier, "toxic"), texts)
    assert [words[:1] for words in found] == [["stupid"], ["moron"], []]


def test_in_a_long_comment_the_words_are_found_through_their_neighbours() -> None:
    weights = {"stupid": 3.0, "moron": 2.0, "dumb": 0.1}

    def score(texts: Sequence[str]) -> np.ndarray:
        return np.array([sum(weight for word, weight in weights.items() if word in text) for text in texts])

    words = [f"{first}{second}{first}{second}" for first in "abcdefgh" for second in "klmnopqrst"]
    text = " ".join([*words[:30], "Stupid stupid", *words[30:60], "moron", *words[60:], "dumb"])
    assert toxic_words(score, [text]) == [["stupid", "moron"]]


def test_a_threshold_flags_no_more_than_the_share_asked_for() -> None:
    scores = np.random.default_rng(0).normal(size=1000)
    assert (scores >= threshold_flagging(scores, 0.03)).sum() == 30
    assert (np.zeros(1000) >= threshold_flagging(np.zeros(1000), 0.03)).sum() == 0


def test_one_form_leaves_disguises_in_place(tiny_classifier: Classifier) -> None:
    text = "you are a s.t.u.p.i.d friend"
    both, plain = (log_odds(reader, "toxic") for reader in (tiny_classifier, one_form(tiny_classifier)))
    assert both([text])[0] == pytest.approx(both(["you are a stupid friend"])[0], abs=1e-3)
    assert plain([text])[0] < both([text])[0]
    assert both(["a nice day"])[0] == plain(["a nice day"])[0]


def test_losses_are_those_of_the_rewritten_comments(tiny_classifier: Classifier) -> None:
    toxic = [f"you {word} friend, {text}" for text in _natural(8) for word in ("stupid", "moron", "idiot")]
    natural = _natural(120)
    report = attack(tiny_classifier, toxic, natural, seed=1, resamples=50)
    score = log_odds(tiny_classifier, "toxic")
    threshold = threshold_flagging(score(natural), 0.03)
    words = toxic_words(score, toxic)
    caught = (score(toxic) >= threshold).mean()
    assert report["recall"]["value"] == pytest.approx(caught)
    for found in report["rewrites"]:
        texts = [BY_NAME[found["name"]](text, own, 1) for text, own in zip(toxic, words, strict=True)]
        after = (score(texts) >= threshold).mean()
        assert found["loss"]["value"] == pytest.approx(caught - after), found["name"]
        assert found["loss"]["low"] <= found["loss"]["value"] <= found["loss"]["high"]
        assert found["recall"] == pytest.approx(after)
    for kind, found in report["classes"].items():
        losses = [entry["loss"]["value"] for entry in report["rewrites"] if entry["kind"] == kind]
        assert found["loss"]["value"] == pytest.approx(np.mean(np.maximum(losses, 0)))
        assert found["passes"] == (found["loss"]["value"] <= LIMITS[kind])
    assert report["classes"]["repairable"]["passes"]
    assert report["control"]["value"] > 0.5
    assert report["false_flags"]["change"]["value"] == 0
    assert all(case["passes"] for case in report["edge_cases"])
    assert report["harmless"]["names and abbreviations"]["flagged by repair"] == 0


@pytest.mark.parametrize(
    ("toxic", "natural", "label", "message"),
    [
        (["a b c"], 120, None, "four letters"),
        (["you moron"], 20, None, "too few"),
        (["you moron"], 120, "rude", "no label rude"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    tiny_classifier: Classifier, toxic: list[str], natural: int, label: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        attack(tiny_classifier, toxic, _natural(natural), label=label)
