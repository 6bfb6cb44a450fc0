"""`classify/` with `explain`: the words that drove a text's highest label, within bounds."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from moderation.api import explaining
from tests.moderation.api import key, post, problem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explain as long as it takes: a machine that does other things, too, is slow, and not at fault."""
    monkeypatch.setattr(explaining, "SECONDS", 600.0)


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("sam", is_staff=True))
    return client


def test_the_words_that_drove_the_label_come_strongest_first(client: Client) -> None:
    text = "Thank you. 😀 You are a stupid idiot, shut up."
    plain = post(client, "classify/", {"text": text}).json()
    answer = post(client, "classify/", {"text": text, "explain": True}).json()
    words = answer.pop("words")
    assert answer == plain
    assert 1 <= len(words) <= explaining.WORDS
    assert {"stupid", "idiot"} & {word["text"] for word in words[:2]}
    assert all(text[word["start"] : word["end"]] == word["text"] for word in words)
    values = [word["value"] for word in words]
    assert values == sorted(values, reverse=True) and values[-1] > 0


def test_several_texts_are_explained_each(client: Client) -> None:
    texts = ["You idiot.", "", "🙇🙇", "Thanks!"]
    results = post(client, "classify/", {"texts": texts, "explain": True}).json()["results"]
    assert [type(result["words"]) for result in results] == [list] * 4
    assert results[0]["words"][0]["text"] == "idiot" and results[1]["words"] == []
    assert "words" not in post(client, "classify/", {"texts": texts, "explain": False}).json()["results"][0]


@pytest.mark.parametrize("text", ["you idiot " * 60, "字" * 250, "?!" * 150, "a.b" * 200])
def test_what_takes_too_long_to_explain_gets_413(client: Client, text: str) -> None:
    assert post(client, "classify/", {"text": text}).status_code == 200
    response = post(client, "classify/", {"text": text, "explain": True})
    assert problem(response) == (413, "too_large")
    assert "explain" in response.json()["detail"]


def test_once_the_time_is_over_the_others_have_no_words(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "SECONDS", -1.0)
    results = post(client, "classify/", {"texts": ["You idiot."] * 3, "explain": True}).json()["results"]
    assert [result["words"] for result in results] == [None] * 3
    assert all(result["flagged"] for result in results)


def test_the_test_key_gets_no_words(settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "API_TEST_KEY": True}
    from moderation.models.keys import TEST_KEY

    headers = {"x-goog-api-key": TEST_KEY}
    answer = post(Client(), "classify/", {"text": "toxic", "explain": True}, headers=headers).json()
    assert (answer["words"], answer["model"]) == ([], "test@1")


def test_a_key_of_the_scope_may_ask_why(client: Client) -> None:
    answer = post(Client(), "classify/", {"text": "You idiot.", "explain": True}, headers=key("classify"))
    assert answer.json()["words"][0]["text"] == "idiot"


def test_explaining_loads_neither_torch_nor_matplotlib() -> None:
    """In a process of its own: another test may have loaded them here."""
    code = (
        "import django, sys; django.setup()\n"
        "from moderation.models import ModelVersion\n"
        "from moderation.screening import model\n"
        "from toxicity_ml.classifier import Classifier\n"
        "loaded = model.LoadedModel(Classifier.load())\n"
        "assert loaded.explain('You idiot.', 'insult')[1].text == 'idiot'\n"
        "sys.exit(' '.join({'torch', 'transformers', 'sklearn', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
