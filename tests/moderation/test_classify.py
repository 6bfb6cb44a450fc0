"""`POST classify/` with the packaged model: who may call, what it answers, what it refuses."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from moderation.models import Policy, Screening
from moderation.versions import artifacts, store

pytestmark = pytest.mark.django_db
CLASSIFY = "/api/moderation/classify/"


@pytest.fixture
def client(settings: Any, tmp_path: Path) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("sam", is_staff=True))
    return client


def post(client: Client, data: Any) -> Any:
    body = data if isinstance(data, str) else json.dumps(data)
    return client.post(CLASSIFY, body, content_type="application/json")


def test_a_text_gets_its_label_confidence_scores_and_model(client: Client) -> None:
    answer = post(client, {"text": "You are a stupid idiot, shut up."}).json()
    assert set(answer) == {"label", "confidence", "all_scores", "flagged", "model", "language"}
    assert answer["flagged"] is True
    active = store.active_version()
    assert list(answer["all_scores"]) == active.labels
    assert answer["label"] == max(answer["all_scores"], key=answer["all_scores"].get)
    assert answer["confidence"] == answer["all_scores"][answer["label"]]
    assert answer["model"] == str(active)
    assert not Screening.objects.exists()


def test_texts_are_answered_in_their_order_each_as_if_alone(client: Client) -> None:
    texts = ["Thank you for the kind words.", "You are a stupid idiot, shut up.", ""]
    answer = post(client, {"texts": texts}).json()
    assert list(answer) == ["results"]
    assert [result["flagged"] for result in answer["results"]] == [False, True, False]
    assert answer["results"] == [post(client, {"text": text}).json() for text in texts]
    assert post(client, {"texts": []}).json() == {"results": []}


@pytest.mark.parametrize(
    "body", [r'{"text": "a\u0000b"}', r'{"text": "\ud800"}', r'{"text": " \n\t "}', '{"text": ""}']
)
def test_any_json_string_is_a_text(client: Client, body: str) -> None:
    response = post(client, body)
    assert response.status_code == 200 and response.json()["flagged"] is False


def test_flagging_follows_the_policy_in_force(client: Client) -> None:
    text = {"text": "You are a stupid idiot, shut up."}
    assert post(client, text).json()["flagged"] is True
    labels = store.active_version().labels
    Policy.objects.create(model_label="", thresholds={label: {"flag": None} for label in labels})
    assert post(client, text).json()["flagged"] is False


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Give either"),
        ({"text": "a", "texts": ["b"]}, "Give either"),
        ({"text": 1}, "Not a string"),
        ({"text": None}, "may not be null"),
        ({"texts": "a"}, "Expected a list"),
        ({"texts": ["a", 2]}, "Not a string"),
        ({"texts": ["a"] * 101}, "At most 100 texts"),
        ([1], "Expected a dictionary"),
        ("{", "JSON parse error"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_wrong_request_gets_400_in_json_and_says_what_is_wrong(
    client: Client, body: Any, said: str
) -> None:
    response = post(client, body)
    assert response.status_code == 400
    assert said in json.dumps(response.json())


def test_too_much_text_gets_413_before_it_is_scored(client: Client, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "CLASSIFY_MAX_CHARACTERS": 10}
    assert post(client, {"text": "x" * 10}).status_code == 200
    response = post(client, {"texts": ["x" * 6, "y" * 5]})
    assert (response.status_code, response["Content-Type"]) == (413, "application/problem+json")
    assert "At most 10 characters" in response.json()["detail"]
    assert post(client, '{"text": "' + " " * 2_000_000 + '"}').status_code == 413


def test_only_staff_may_call_unless_the_site_says_otherwise(client: Client, settings: Any) -> None:
    visitor, user = Client(), Client()
    user.force_login(User.objects.create_user("otto"))
    assert [post(caller, {"text": "hello"}).status_code for caller in (visitor, user)] == [403, 403]
    assert visitor.get("/api/moderation/schema/").status_code == 403
    settings.MODERATION = {
        **settings.MODERATION,
        "CLASSIFY_PERMISSION": "rest_framework.permissions.IsAuthenticated",
    }
    assert [post(caller, {"text": "hello"}).status_code for caller in (visitor, user)] == [403, 200]


def test_a_session_needs_its_csrf_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_user("sam", is_staff=True))
    assert post(strict, {"text": "hello"}).status_code == 403


def test_without_a_model_the_answer_is_503_and_tells_no_path(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(artifacts, "packaged_directory", lambda: tmp_path)
    response = post(client, {"text": "a secret remark"})
    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
    assert str(tmp_path) not in response.content.decode()
    assert str(tmp_path / "manifest.json") in caplog.text
    assert "secret remark" not in caplog.text


def test_the_schema_describes_the_endpoint(client: Client) -> None:
    response = client.get("/api/moderation/schema/", {"format": "json"})
    assert response.status_code == 200
    schema = json.loads(response.content)
    operation = schema["paths"]["/api/moderation/classify/"]["post"]
    assert operation["operationId"] == "classify"
    properties = schema["components"]["schemas"]["ClassifyRequest"]["properties"]
    assert properties["text"]["type"] == "string" and properties["texts"]["type"] == "array"


def test_classifying_loads_neither_torch_nor_transformers(client: Client) -> None:
    """In a process of its own: another test may have loaded them here."""
    code = (
        "import django, sys; django.setup()\n"
        "from toxicity_ml.classifier import Classifier\n"
        "import moderation.api.views, moderation.admin\n"
        "Classifier.load().predict('hello')\n"
        "sys.exit(' '.join({'torch', 'transformers', 'datasets', 'sklearn'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
