"""Attributions against computations made another way, places in the original text, and what is drawn."""

import io
import itertools
import json
import math
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from toxicity_ml import explanation
from toxicity_ml.classifier import Classifier
from toxicity_ml.ensemble import Ensemble
from toxicity_ml.errors import DataError
from toxicity_ml.explanation import network
from toxicity_ml.explanation.figures import head_image, main_target
from toxicity_ml.explanation.words import read
from toxicity_ml.inference.windows import MAX_LENGTH, STRIDE
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.network import load_model, load_tokenizer
from toxicity_ml.window_pooling import WINDOW_TEMPERATURE

INSULT = JIGSAW_LABELS.index("insult")
ODD_TEXTS = [
    "\U0001f600 idiot \U0001f469\u200d\U0001f4bb you",
    "\ud83d\ude00 idiot \ud800 you",
    "\u0645\u0631\u062d\u0628\u0627 idiot \u202eyou\u202c",
    "e\u0301 idi\u200bot \u2764\ufe0f you",
    "don\u00e2\u20ac\u2122t idiot \uff59\uff4f\uff55",
    "you \u4f60\u597d idiot",
    "you are an i.d.i.o.t or st<b></b>upid",
]


@pytest.fixture(scope="module")
def single_version(tiny_version: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network, its labels taken as classes of which each text has one."""
    directory = tmp_path_factory.mktemp("single") / "version"
    shutil.copytree(tiny_version, directory)
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest |= {"task": "single_label", "canned": [], "name": "single"}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def insult(classifier: Classifier, text: str) -> float:
    return float(classifier.logits([text])[0, INSULT])


def values(found: explanation.Attribution) -> dict[str, float]:
    return {word.text: word.value for word in found.words}


def test_occlusion_of_three_words_nears_the_shapley_values_over_all_orders(
    tiny_version: Path, tiny_classifier: Classifier
) -> None:
    words = ["nice", "idiot", "stupid"]
    exact = dict.fromkeys(words, 0.0)
    for order in itertools.permutations(words):
        kept = list(words)
        for word in order:
            before = insult(tiny_classifier, " ".join(kept))
            kept.remove(word)
            exact[word] += (before - insult(tiny_classifier, " ".join(kept) or ".")) / 6
    found = explanation.attribute(
        tiny_version, " ".join(words), "insult", classifier=tiny_classifier, orders=2000
    )
    assert values(found) == pytest.approx(exact, abs=0.15)
    assert found.total == pytest.approx(found.logit - found.baseline, abs=1e-6)
    assert found.is_complete
    assert found.score == pytest.approx(tiny_classifier.predict(" ".join(words))["insult"], abs=1e-6)


def test_leaving_one_out_is_what_the_score_loses_and_promises_no_sum(
    tiny_version: Path, tiny_classifier: Classifier
) -> None:
    text = "you stupid idiot"
    found = explanation.attribute(tiny_version, text, "insult", "leave_one_out", classifier=tiny_classifier)
    whole = insult(tiny_classifier, text)
    assert values(found) == pytest.approx(
        {
            "you": whole - insult(tiny_classifier, "stupid idiot"),
            "stupid": whole - insult(tiny_classifier, "you idiot"),
            "idiot": whole - insult(tiny_classifier, "you stupid"),
        }
    )
    assert found.is_complete is None
    assert found.error == pytest.approx(found.total - (whole - insult(tiny_classifier, ".")))


def test_integrated_gradients_equal_a_sum_along_the_path_written_out(
    tiny_version: Path, tiny_classifier: Classifier
) -> None:
    text = "you are a stupid moron"
    found = explanation.attribute(
        tiny_version, text, "insult", "integrated_gradients", classifier=tiny_classifier, baseline="[PAD]"
    )
    model, tokenizer = load_model(tiny_version), load_tokenizer(tiny_version)
    ids = torch.tensor([tokenizer.encode(text).ids])
    start = ids.clone()
    start[0, 1:-1] = tokenizer.token_to_id("[PAD]")
    embed = model.encoder.embeddings.word_embeddings
    here, there = embed(ids).detach(), embed(start).detach()
    gradients = torch.zeros_like(here)
    steps = 400
    for step in range(steps):
        point = (there + (step + 0.5) / steps * (here - there)).requires_grad_()
        states = model.encoder(inputs_embeds=point, attention_mask=torch.ones_like(ids)).last_hidden_state
        (gradient,) = torch.autograd.grad(model.head(states.mean(dim=1))[0, INSULT], point)
        gradients += gradient / steps
    expected = ((here - there) * gradients).sum(dim=-1)[0, 1:-1]
    assert [word.value for word in found.words] == pytest.approx(expected.tolist(), abs=0.05)
    assert found.is_complete
    assert found.total == pytest.approx(found.logit - found.baseline, abs=0.05)


def test_gradients_that_do_not_sum_to_the_score_are_flagged(
    tiny_version: Path, tiny_classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_PATIENCE", 1)
    found = explanation.attribute(
        tiny_version,
        "you are a stupid moron",
        "insult",
        "integrated_gradients",
        classifier=tiny_classifier,
        steps=1,
    )
    assert found.is_complete is False
    assert "do not trust" in explanation.sum_line(found)
    assert "do not trust" in explanation.attribution_html(found)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_a_single_label_version_is_explained_in_log_odds_of_the_class(
    single_version: Path, method: str
) -> None:
    classifier = Classifier.load(single_version, threads=1)
    text = "you are a damn idiot"
    found = explanation.attribute(single_version, text, method=method, classifier=classifier)
    logits = classifier.logits([text])[0].astype(float)
    assert found.label == JIGSAW_LABELS[int(np.argmax(logits))]
    chosen = JIGSAW_LABELS.index(found.label)
    shares = np.exp(logits) / np.exp(logits).sum()
    odds = np.log(shares[chosen] / (1 - shares[chosen]))
    assert found.logit == pytest.approx(odds, abs=1e-4 if method == "occlusion" else 1.0)
    assert found.is_complete
    assert found.score == pytest.approx(classifier.predict(text)[found.label], abs=1e-6)
    nothing = explanation.attribute(single_version, " ", found.label, method, classifier=classifier)
    assert (nothing.words, nothing.total) == ((), 0.0)
    assert nothing.score == pytest.approx(1 / len(JIGSAW_LABELS))


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_words_stand_where_they_are_in_code_points_and_in_utf16(
    tiny_version: Path, tiny_classifier: Classifier, text: str
) -> None:
    found = explanation.attribute(tiny_version, text, "insult", "leave_one_out", classifier=tiny_classifier)
    units = text.encode("utf-16-le", "surrogatepass")
    for word in found.words:
        assert text[word.start : word.end] == word.text
        unit_text = units[2 * word.utf16_start : 2 * word.utf16_end].decode("utf-16-le", "surrogatepass")
        assert unit_text == word.text.encode("utf-16-le", "surrogatepass").decode(
            "utf-16-le", "surrogatepass"
        )
    strongest = max(found.words, key=lambda word: word.value).text
    assert strongest in ("idiot", "idi\u200bot", "i.d.i.o.t", "st<b></b>upid")


def test_signs_that_show_as_one_are_not_cut_apart(tiny_version: Path) -> None:
    text = "ok \u2764\ufe0f \U0001f469\u200d\U0001f4bb don't i.d.i.o.t"
    words = [text[start:end] for start, end in read(tiny_version, text).words]
    assert words == ["ok", "\u2764\ufe0f", "\U0001f469\u200d\U0001f4bb", "don't", "i.d.i.o.t"]


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from([*ODD_TEXTS, " ", "idiot", "1d10t", "[SEP]", "\x00", "a" * 120]),
        ),
        max_size=8,
    ).map(" ".join)
)
def test_any_text_is_located(tiny_version: Path, text: str) -> None:
    found = read(tiny_version, text)
    ends = [place for span in found.words for place in span]
    assert ends == sorted(ends) and all(0 <= place <= len(text) for place in ends)
    assert all(start < end for start, end in found.words)
    for window in found.windows:
        assert len(window.ids) == len(window.spans)
        assert all(0 <= start <= end <= len(text) for start, end in window.spans)


@pytest.mark.parametrize("method", explanation.METHODS)
def test_a_long_text_is_explained_by_its_highest_window_which_is_said(
    tiny_version: Path, tiny_classifier: Classifier, method: str
) -> None:
    text = "we like this nice article " * 70 + "idiot " * 20 + "thank you friend good day " * 70
    assert len(read(tiny_version, text).windows) > 3
    found = explanation.attribute(
        tiny_version, text, "insult", method, classifier=tiny_classifier, orders=4, steps=8
    )
    strongest = sorted(found.words, key=lambda word: -word.value)[:5]
    assert {word.text for word in strongest} == {"idiot"}
    first = text.index("idiot")
    assert all(first <= word.start < first + 20 * len("idiot ") for word in strongest)
    assert found.words[0].start > 0 and found.words[-1].end < len(text)
    tokens = len(load_tokenizer(tiny_version).encode(text).ids) - 2
    assert found.windows == 1 + math.ceil((tokens - (MAX_LENGTH - 2)) / STRIDE)
    assert f"in {found.windows} windows" in explanation.sum_line(found)
    # Of so many windows one that stands out loses no more than temperature * log(n) of its log-odds.
    together = insult(tiny_classifier, text)
    assert together - 0.5 <= found.logit <= together + WINDOW_TEMPERATURE * np.log(found.windows) + 0.5
    assert text in explanation.attribution_text(found).plain


@pytest.mark.parametrize("method", explanation.METHODS)
@pytest.mark.parametrize("text", ["", " \n", "\u200b\ud800", "\ue000 \ue001"])
def test_a_text_without_a_token_has_no_words(
    tiny_version: Path, tiny_classifier: Classifier, method: str, text: str
) -> None:
    found = explanation.attribute(tiny_version, text, "insult", method, classifier=tiny_classifier)
    assert (found.words, found.score, found.total, found.error) == ((), 0.0, 0.0, 0.0)
    assert "no word" in explanation.attribution_html(found)


def test_an_ensemble_is_explained_by_occlusion_and_not_by_gradients(
    tiny_version: Path, tiny_classifier: Classifier
) -> None:
    both = Ensemble([tiny_classifier, tiny_classifier])
    found = explanation.attribute(tiny_version, "you idiot", "insult", classifier=both)
    assert found.version == "tiny@1+tiny@1"
    assert values(found)["idiot"] > 3 * abs(values(found)["you"]) and found.is_complete
    with pytest.raises(DataError, match="use occlusion"):
        explanation.attribute(tiny_version, "you idiot", "insult", "integrated_gradients", classifier=both)


def test_what_is_not_there_is_named(tiny_version: Path, tiny_classifier: Classifier) -> None:
    with pytest.raises(DataError, match="identity_hate"):
        explanation.attribute(tiny_version, "x", "rude", classifier=tiny_classifier)
    with pytest.raises(DataError, match="leave_one_out"):
        explanation.attribute(tiny_version, "x", "insult", "magic", classifier=tiny_classifier)
    with pytest.raises(DataError, match=r"\[PAD\]"):
        explanation.attribute(
            tiny_version, "x", "insult", "integrated_gradients", classifier=tiny_classifier, baseline="a"
        )
    with pytest.raises(DataError, match="no token"):
        explanation.attention(tiny_version, " ")
    found = explanation.attention(tiny_version, "you idiot")
    for layer, head in ((2, 0), (0, 4), (-1, 0)):
        with pytest.raises(DataError, match="heads 0 to 3"):
            explanation.attention_png(found, layer, head)


def test_occlusion_never_imports_torch(tiny_version: Path) -> None:
    code = (
        "import sys; from toxicity_ml import explanation; "
        f"explanation.attribute({str(tiny_version)!r}, 'you idiot', 'insult'); "
        "print(*(name for name in ('torch', 'transformers', 'captum', 'matplotlib') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_attention_of_the_first_layer_is_the_softmax_of_queries_and_keys(tiny_version: Path) -> None:
    text = "you are an idiot"
    found = explanation.attention(tiny_version, text)
    assert found.tokens == ("[CLS]", "you", "are", "a", "##n", "idiot", "[SEP]")
    assert [text[start:end] for start, end in found.spans] == ["", "you", "are", "a", "n", "idiot", ""]
    assert found.weights.shape == (2, 4, 7, 7)
    assert found.weights.sum(axis=-1) == pytest.approx(1.0, abs=1e-5)
    model = load_model(tiny_version)
    ids = torch.tensor([load_tokenizer(tiny_version).encode(text).ids])
    layer = model.encoder.encoder.layer[0].attention.self
    with torch.inference_mode():
        states = model.encoder.embeddings(input_ids=ids)[0]
        queries, keys = (part(states).view(7, 4, 16).transpose(0, 1) for part in (layer.query, layer.key))
        expected = torch.softmax(queries @ keys.transpose(1, 2) / 4, dim=-1)
    assert found.weights[0] == pytest.approx(expected.numpy(), abs=1e-5)


def test_attention_of_a_long_text_is_that_of_its_highest_window_which_is_said(tiny_version: Path) -> None:
    text = "we like this nice article. " * 70 + "damn crap " + "good day friend. " * 90
    assert "damn" in explanation.attention(tiny_version, text, "obscene").tokens
    found = explanation.attention(tiny_version, text)
    assert "damn" in found.tokens and found.windows > 3
    for page in (explanation.attention_html(found), explanation.attention_html(found, 0, 0)):
        assert f"one of {found.windows} windows that is highest for obscene" in page
    short = explanation.attention(tiny_version, "damn crap")
    assert short.windows == 1 and "windows" not in explanation.attention_html(short)


@pytest.mark.parametrize("method", explanation.METHODS)
def test_a_disguise_is_read_twice_but_makes_no_second_window(
    tiny_version: Path, tiny_classifier: Classifier, method: str
) -> None:
    text = "you i.d.i.o.t"
    assert len(read(tiny_version, text).windows) == 2
    found = explanation.attribute(tiny_version, text, "insult", method, classifier=tiny_classifier)
    assert found.windows == 1 and "windows" not in explanation.sum_line(found)
    assert explanation.attention(tiny_version, text, "insult").windows == 1


def test_attention_is_of_the_label_that_all_windows_together_speak_for(
    tiny_version: Path, tmp_path: Path
) -> None:
    """One window is full of one label, and all of them have some of another."""
    directory = tmp_path / "version"
    shutil.copytree(tiny_version, directory)
    manifest = json.loads((directory / "manifest.json").read_text())
    others = set(JIGSAW_LABELS) - {"insult", "obscene"}
    never = {label: {"slope": 1.0, "intercept": -100.0} for label in others}
    manifest |= {"window_temperature": 20.0, "canned": [], "calibration": manifest["calibration"] | never}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    text = ("idiot " * 20 + "we like this nice article. " * 20) * 6 + "damn crap " * 10
    assert explanation.attribute(directory, text, method="leave_one_out").label == "insult"
    found = explanation.attention(directory, text)
    assert found.spans == explanation.attention(directory, text, "insult").spans
    assert found.spans != explanation.attention(directory, text, "obscene").spans


def test_images_show_every_weight_and_every_head(tiny_version: Path) -> None:
    from matplotlib.image import imread

    found = explanation.attention(tiny_version, "you idiot, a$b$ \u4f60 \u0645")
    for arguments in ((), (1, 2)):
        image = imread(io.BytesIO(explanation.attention_png(found, *arguments)))
        assert image.shape[0] > 300 and image.shape[1] > 300
        assert image[..., :3].std() > 0.01
    weights = found.head(1, 2)
    alpha = imread(io.BytesIO(head_image(weights)))[..., 3]
    assert alpha.shape == weights.shape
    assert alpha.argmax() == weights.argmax() and alpha.max() == 1.0


def test_where_a_head_mostly_looks_is_named() -> None:
    tokens = ["[CLS]", "you", "idiot", "[SEP]"]
    assert main_target(np.eye(4), tokens) == "itself 100\u00a0%"
    assert main_target(np.eye(4, k=-1), tokens) == "the one before 75\u00a0%"
    assert main_target(np.tile([0.1, 0.1, 0.7, 0.1], (4, 1)), tokens) == "idiot 70\u00a0%"
    assert main_target(np.full((4, 4), 0.25), tokens) == "spread"


class _Page(HTMLParser):
    """Tags, sources and shown text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.shown = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.shown += data


def test_pages_escape_the_text_and_need_nothing_else(tiny_version: Path, tiny_classifier: Classifier) -> None:
    text = "<script>alert(1)</script> you 'idiot' & \"friend\"\x1b[31m\ud800\u202e"
    attribution = explanation.attribute(tiny_version, text, "insult", classifier=tiny_classifier, orders=2)
    attention = explanation.attention(tiny_version, text)
    pages = [
        explanation.attribution_html(attribution),
        explanation.attention_html(attention),
        explanation.attention_html(attention, 0, 1),
    ]
    for content in pages:
        page = _Page(content.encode().decode())  # no half of a surrogate pair is left, which has no UTF-8
        assert not {"script", "link", "iframe"} & set(page.tags)
        assert all(source.startswith("data:image/png;base64,") for source in page.sources)
        assert "idiot" in page.shown
        assert "\x1b" not in content and "\u202e" not in content
    assert "<script>alert(1)</script> you 'idiot' & \"friend\"" in _Page(pages[0]).shown
    assert _Page(pages[1]).tags.count("img") == 8
    assert _Page(pages[2]).tags.count("td") == len(attention.tokens) ** 2


def test_a_terminal_gets_no_sign_that_would_steer_it(tiny_version: Path, tiny_classifier: Classifier) -> None:
    text = "you\x1b[2J idiot \u202e\ud800\u00a0\U0001f469\u200d\U0001f4bb\n!"
    found = explanation.attribute(tiny_version, text, "insult", "leave_one_out", classifier=tiny_classifier)
    shown = explanation.attribution_text(found)
    assert shown.plain == "you\ufffd[2J idiot \ufffd\ufffd \U0001f469\u200d\U0001f4bb\n!"
    red = [shown.plain[span.start : span.end] for span in shown.spans if "red" in str(span.style)]
    assert "idiot" in red
