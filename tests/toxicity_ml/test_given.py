"""What the library says to a caller who gives it something that is no text, and what it takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toxicity_ml
from toxicity_ml import explanation
from toxicity_ml.classifier import Classifier
from toxicity_ml.ensemble import Ensemble

METHODS = ("predict", "predict_array", "logits")


@pytest.fixture(params=["classifier", "ensemble"])
def scorer(request: pytest.FixtureRequest, tiny_classifier: Classifier) -> Classifier | Ensemble:
    return tiny_classifier if request.param == "classifier" else Ensemble([tiny_classifier, tiny_classifier])


@pytest.mark.regression("S10")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("texts", "index", "kind"),
    [
        (["a", float("nan")], 1, "a float"),
        (["a", "b", None], 2, "None"),
        ([b"a"], 0, "a bytes"),
        (("a", 5), 1, "an int"),
        (np.array(["a", None], dtype=object), 1, "None"),
        (["a", ["b"]], 1, "a list"),
    ],
)
def test_an_element_that_is_no_text_is_named_by_index_and_type(
    scorer: Classifier | Ensemble, method: str, texts: Any, index: int, kind: str
) -> None:
    with pytest.raises(TypeError, match=rf"^{method} takes texts \(str\).*index {index} is {kind}\.$"):
        getattr(scorer, method)(texts)


@pytest.mark.regression("S10")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (None, "None"),
        (7, "an int"),
        (b"you", "a bytes"),
        ({"text": "you"}, "a dict"),
        ({"you"}, "a set"),
        (np.array("you"), "a ndarray"),
        (np.array([["you"]]), "a ndarray"),
    ],
)
def test_what_is_no_iterable_of_texts_is_named_by_type(
    scorer: Classifier | Ensemble, method: str, texts: Any, kind: str
) -> None:
    with pytest.raises(TypeError, match=rf"^{method} takes .*\(str\).* not {kind}\.$"):
        getattr(scorer, method)(texts)


@pytest.mark.regression("S10")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("made", [tuple, iter, np.array, lambda texts: (text for text in texts)])
def test_any_iterable_of_texts_is_taken(
    scorer: Classifier | Ensemble, method: str, made: Callable[[list[str]], Any]
) -> None:
    texts = ["you idiot", "nice day", ""]
    assert np.array_equal(getattr(scorer, method)(made(texts)), getattr(scorer, method)(texts))


@pytest.mark.regression("S10")
@pytest.mark.parametrize("method", METHODS[1:])
def test_one_text_instead_of_several_is_refused(scorer: Classifier | Ensemble, method: str) -> None:
    with pytest.raises(TypeError, match="not a str"):
        getattr(scorer, method)("you idiot")


@pytest.mark.regression("S10")
def test_an_error_inside_the_callers_generator_is_the_callers(tiny_classifier: Classifier) -> None:
    with pytest.raises(TypeError, match="concatenate"):
        tiny_classifier.predict(text + 1 for text in ["a"])  # type: ignore[operator]


@pytest.mark.regression("S10")
@pytest.mark.parametrize("function", [explanation.attribute, explanation.attention])
@pytest.mark.parametrize("text", [None, ["you"], b"you"])
def test_explaining_takes_one_text(tiny_version: Path, function: Callable[..., Any], text: Any) -> None:
    with pytest.raises(TypeError, match=r"takes one text \(str\), not "):
        function(tiny_version, text)


@pytest.mark.regression("S10")
def test_what_the_package_offers_is_seen_in_dir() -> None:
    assert {"Classifier", "__version__"} <= set(dir(toxicity_ml))
    assert all(hasattr(toxicity_ml, name) for name in toxicity_ml.__all__)


@pytest.mark.regression("S10")
def test_a_classifier_shows_its_version_and_labels(tiny_classifier: Classifier) -> None:
    assert "tiny@1 (toxic, " in repr(tiny_classifier) and "onnx" in repr(tiny_classifier)
    assert "tiny@1+tiny@1" in repr(Ensemble([tiny_classifier, tiny_classifier]))
