"""The words that drove a label, marked in the text on demand: by the page, by the fragment, within bounds."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from moderation.models import ModelVersion, Screening
from moderation.screening import driving, model
from moderation.screening import scorer as score
from moderation.screening.scorer import INSTALL_LIBRARIES
from moderation.versions import store
from tests.moderation.conftest import by_words, make_version
from tests.moderation.test_blind import CLEAR, FLAGGED, queue
from tests.moderation.test_queue import QUEUE, open_page, queued, staff
from toxicity_ml.explanation import Word
from toxicity_ml.text.deobfuscation import lexicon

pytestmark = pytest.mark.django_db
MARK = re.compile(r'<mark class="moderation-word moderation-word-(\d)">(.*?)<span class="visually-hidden">')
ANSWERED = "Marked for toxic, strongest first:"


class Explainer:
    """A loaded model: "idiot" says 4, "you" 3, "nasty" 1, all else nothing. It notes what it is asked."""

    def __init__(self) -> None:
        self.predict = by_words
        self.asked: list[str] = []
        self.before: Callable[[], None] = lambda: None

    def driving_words(self, text: str, label: str) -> tuple[Word, ...]:
        self.asked.append(label)
        self.before()
        values = {"idiot": 4.0, "nasty": 1.0, "you": 3.0, "!": 9.0}
        return tuple(
            Word(match[0], *match.span(), *match.span(), values.get(match[0].lower(), 0.01))
            for match in re.finditer(r"\w+|[^\w\s]", text)
        )


@pytest.fixture
def explainer(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> Explainer:
    loaded = Explainer()
    monkeypatch.setattr(model, "load_model", lambda version, **_: loaded)
    monkeypatch.setattr(score, "_loaded_for_web", score._Loaded(lambda: "onnx"))
    return loaded


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


def item(screening: Screening, query: str = "") -> str:
    return f"{screening.pk}/change/{query}"


def fragment(client: Client, screening: Screening, query: str) -> str:
    response = client.get(f"{QUEUE}{screening.pk}/text/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_a_page_marks_nothing_until_somebody_asks(moderator: Client, explainer: Explainer) -> None:
    screening = queued("nasty idiot, said the dog")
    for page in (open_page(moderator), open_page(moderator, item(screening))):
        assert "<mark" not in page and "Marked for" not in page
        assert f'href="{QUEUE}{screening.pk}/change/?why=toxic"' in page
    assert explainer.asked == []


def test_who_asks_sees_the_words_with_their_strength_in_words_too(
    moderator: Client, explainer: Explainer
) -> None:
    screening = queued("nasty idiot, said the dog!")
    for page in (
        open_page(moderator, item(screening, "?why=toxic")),
        fragment(moderator, screening, "?why=toxic"),
    ):
        assert MARK.findall(page) == [("2", "nasty"), ("3", "idiot")]
        assert "(toxic, strongly)" in page
        assert f"{ANSWERED} <bdi>idiot</bdi>, <bdi>nasty</bdi>." in page
        assert 'aria-current="true">toxic<' in page


def test_the_answer_is_computed_once_and_kept_without_any_text(
    moderator: Client, explainer: Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    monkeypatch.setattr(driving.cache, "get", lambda key: kept.get(key))
    monkeypatch.setattr(driving.cache, "set", lambda key, value, seconds: kept.update({key: value}))
    screening, twin = queued("nasty idiot"), queued("nasty idiot")
    for _ in range(2):
        assert MARK.findall(fragment(moderator, screening, "?why=toxic"))
    assert explainer.asked == ["toxic"]
    fragment(moderator, screening, "?why=insult")
    fragment(moderator, twin, "?why=toxic")
    assert explainer.asked == ["toxic", "insult", "toxic"]
    assert len(kept) == 3 and "idiot" not in repr(kept)


def test_the_preview_opens_at_the_first_word(moderator: Client, explainer: Explainer) -> None:
    screening = queued("good morning. " * 150 + "nasty idiot. " + "good night. " * 150)
    page = fragment(moderator, screening, "?why=toxic")
    assert re.search(r"&hellip; 2,?0\d\d characters before", page)
    assert MARK.findall(page)[0] == ("2", "nasty")
    assert len(re.findall(r"<bdi class", page)) == 2  # the preview, and the whole to unfold
    assert "characters before" not in fragment(moderator, screening, "")


def test_an_item_s_page_opens_at_the_part_of_the_first_word(moderator: Client, explainer: Explainer) -> None:
    screening = queued("good morning. " * 2500 + "nasty idiot. " + "good night. " * 2500)
    page = open_page(moderator, item(screening, "?why=toxic"))
    assert "Characters 20001\u201340000" in page and len(MARK.findall(page)) == 2
    assert "part=3&amp;why=toxic" in page
    first = open_page(moderator, item(screening, "?why=toxic&part=1"))
    assert "Characters 1\u201320000" in first and "<mark" not in first


def test_marks_come_through_escaping_hidden_characters_and_line_ends(
    moderator: Client, explainer: Explainer
) -> None:
    screening = queued("<b>\r\n\u202eoh</b>\r\nnasty idiot\r\n\u200b&")
    page = fragment(moderator, screening, "?why=toxic")
    assert MARK.findall(page) == [("2", "nasty"), ("3", "idiot")]
    assert "&lt;b&gt;" in page and "\u202e" not in page and "U+202E" in page


def test_a_text_in_which_no_word_says_anything_is_said_to_be_so(
    moderator: Client, explainer: Explainer
) -> None:
    page = fragment(moderator, queued("kill"), "?why=toxic")
    assert "<mark" not in page and "No single word speaks for toxic." in page


def test_function_words_are_marked_only_where_there_is_nothing_else(
    moderator: Client, explainer: Explainer
) -> None:
    assert MARK.findall(fragment(moderator, queued("you idiot"), "?why=toxic")) == [("3", "idiot")]
    assert MARK.findall(fragment(moderator, queued("all of you"), "?why=toxic")) == [("3", "you")]


def test_no_function_word_is_an_insult_or_a_threat_in_another_language() -> None:
    listed = {*lexicon._SWEAR_WORDS.split(), *lexicon._OTHER_RUDE_WORDS.split()}  # short ones, too
    assert {"die", "kill", "crap"} <= listed
    rude = listed | lexicon.RUDE_WORDS | lexicon.SHORT_RUDE_WORDS
    assert not rude & driving.FUNCTION_WORDS
    assert not {"con", "tot", "cu", "kut", "puta", "cul", "ho", "hoe"} & driving.FUNCTION_WORDS
    assert {"dich", "vous", "usted", "você", "jullie", "jesteś", "voi"} <= driving.FUNCTION_WORDS


def test_a_label_that_is_not_the_model_s_is_refused_in_words(moderator: Client, explainer: Explainer) -> None:
    for label in ("nonsense", "<script>", "x" * 5000):
        response = moderator.get(f"{QUEUE}{queued('nasty idiot').pk}/text/", {"why": label})
        assert "does not know this label" in response.content.decode()
        assert b"<script>" not in response.content
    assert explainer.asked == []


def test_scores_of_another_version_are_told_apart(moderator: Client, explainer: Explainer) -> None:
    screening = queued("nasty idiot")
    ModelVersion.objects.filter(is_active=True).update(is_active=False)
    make_version("2", is_active=True)
    page = fragment(moderator, screening, "?why=toxic")
    assert "As test@2 reads it" in page
    assert "As test" not in fragment(moderator, queued("nasty idiot"), "?why=toxic")


def test_who_comes_while_another_text_is_looked_at_is_told_to_come_again(
    moderator: Client, explainer: Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "WAIT_SECONDS", 0.01)
    screening = queued("nasty idiot")
    with driving._one_at_a_time():
        page = fragment(moderator, screening, "?why=toxic")
    assert "Another text is being looked at" in page and explainer.asked == []
    assert ANSWERED in fragment(moderator, screening, "?why=toxic")


def test_a_failure_lets_the_next_one_in(moderator: Client, explainer: Explainer) -> None:
    def fail() -> None:
        raise RuntimeError

    screening, explainer.before = queued("nasty idiot"), fail
    assert "can not be asked at the moment" in fragment(moderator, screening, "?why=toxic")
    assert isinstance(driving._lock, type(threading.Lock())) and not driving._lock.locked()
    explainer.before = lambda: None
    assert ANSWERED in fragment(moderator, screening, "?why=toxic")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("onnxruntime"), "This server has no model"),
        (store.ModelUnavailable("gone"), "can not be asked at the moment"),
    ],
)
def test_without_a_model_the_page_opens_and_says_so(
    moderator: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def load(version: ModelVersion, **_: Any) -> Any:
        raise error

    monkeypatch.setattr(model, "load_model", load)
    monkeypatch.setattr(score, "_loaded_for_web", score._Loaded(lambda: "onnx"))
    cache.clear()
    page = open_page(moderator, item(queued("nasty idiot"), "?why=toxic"))
    assert words in page and "nasty idiot" in page and INSTALL_LIBRARIES not in page


def test_a_text_that_was_taken_is_not_looked_at(moderator: Client, explainer: Explainer) -> None:
    screening = queued("")
    Screening.objects.filter(pk=screening.pk).update(blanked=timezone.now())
    with pytest.raises(driving.NotExplained, match="no text left"):
        driving.driving_words(Screening.objects.get(), None, "toxic")
    page = fragment(moderator, screening, "?why=toxic")
    assert "The text was removed." in page and "?why=" not in page
    assert explainer.asked == []


@pytest.mark.regression("H6")
def test_a_blind_item_has_no_button_and_no_answer_and_both_kinds_look_alike(
    moderator: Client, settings: Any, explainer: Explainer
) -> None:
    rows = queue(settings)
    answers = set()
    for text in (CLEAR[0], FLAGGED[0]):
        row = rows[text]
        page = open_page(moderator, item(row, "?why=insult"))
        part = fragment(moderator, row, "?why=insult")
        plain = fragment(moderator, row, "")
        assert "<mark" not in page + part + plain
        assert 'data-key="w"' not in page + part + plain and "?why=" not in part + plain
        assert "is shown after the decision" in page and "is shown after the decision" in part
        neutral = (part + plain).replace(text, "TEXT").replace(f"/{row.pk}/", "/N/")
        answers.add(neutral)
    assert len(answers) == 1
    assert explainer.asked == []
    data = {"kind": "relabel", "shown": ["toxic", "threat", "insult"], "label": ["insult"], "scoring": ""}
    moderator.post(f"{QUEUE}{rows[FLAGGED[0]].pk}/decide/", data)
    assert ("3", "idiot") in MARK.findall(fragment(moderator, rows[FLAGGED[0]], "?why=insult"))


def test_only_those_who_see_the_item_reach_its_text(moderator: Client, explainer: Explainer) -> None:
    screening = queued("nasty idiot")
    path = f"{QUEUE}{screening.pk}/text/?why=toxic"
    assert staff("nobody").get(path).status_code == 403
    assert Client().get(path).status_code == 302
    assert staff("reader", "view_screening").get(path).status_code == 200
    assert moderator.post(path).status_code == 405
    assert moderator.get(f"{QUEUE}{screening.pk + 1}/text/").status_code == 404
    user = Client()
    user.force_login(User.objects.create_user("bob"))
    assert user.get(path).status_code == 302


def test_the_packaged_model_marks_the_insult(moderator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ModelVersion.objects.all().delete()
    version = store.active_version()
    monkeypatch.setattr(score, "_loaded_for_web", score._Loaded(lambda: "onnx", cores=1))
    cache.clear()
    screening = queued("The weather was fine. " * 30 + "You are an idiot, Bob. " + "It rained later. " * 30)
    answer = driving.driving_words(screening, None, "insult")
    assert (answer.version, answer.is_of_verdict) == (str(version), False)
    strongest = [word for word in answer.words if word.strength == 3]
    assert [screening.text[word.start : word.end] for word in strongest] == ["idiot"]
