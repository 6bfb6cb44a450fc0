"""Perspective's endpoints on the demo site: keys, quotas, settings, suggestions, and what is left in logs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from moderation.api import scoring
from moderation.api_keys import making
from moderation.audit import MACHINE
from moderation.models import (
    ApiKey,
    AuditEntry,
    ModelVersion,
    PerspectiveScale,
    Review,
    Screening,
    Suggestion,
)
from moderation.models.keys import TEST_KEY
from moderation.retraining import training_data
from moderation.review.decisions import InvalidDecision, decide
from moderation.screening.scorer import load_scorer
from moderation.versions import artifacts, store
from moderation.worker.drain import drain
from toxicity_ml.perspective.scale import Scale

pytestmark = pytest.mark.django_db
ROOT = "/perspective"
ANALYZE = f"{ROOT}/v1alpha1/comments:analyze"
SUGGEST = f"{ROOT}/v1alpha1/comments:suggestscore"
INSULT = "You are a stupid idiot, shut up."
FRENCH = "Je ne suis pas du tout d'accord avec cet article, il est vraiment très mauvais."


@pytest.fixture
def key() -> str:
    return make_key()


def make_key(*scopes: str, **options: Any) -> str:
    return making.create(
        "ours", scopes or ("analyze", "suggest"), quota=options.pop("quota", None), actor=MACHINE, **options
    )[1]


def request(text: str = INSULT, **fields: Any) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}, **fields}


def post(path: str, content: Any, key: str | None = None, **headers: Any) -> Any:
    body = content if isinstance(content, bytes | str) else json.dumps(content)
    address = f"{path}?key={key}" if key else path
    return Client(enforce_csrf_checks=True).post(address, body, content_type="text/plain", headers=headers)


def value(answer: Any, attribute: str = "TOXICITY") -> float:
    return float(answer.json()["attributeScores"][attribute]["summaryScore"]["value"])


def test_a_comment_is_analyzed(key: str) -> None:
    answer = post(ANALYZE, request(spanAnnotations=True, clientToken="7"), key)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert next(iter(answer.json())) == "attributeScores"
    assert value(answer) > 0.9
    assert answer.json()["attributeScores"]["TOXICITY"]["spanScores"][0]["begin"] == 0
    assert answer.json()["languages"] == answer.json()["detectedLanguages"][:1] == ["en"]
    assert answer.json()["clientToken"] == "7"
    assert not Screening.objects.exists()


def test_every_attribute_of_ours_is_served_and_others_as_the_site_says(key: str, settings: Any) -> None:
    names = ["TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT", "OBSCENE"]
    asked = {name: {} for name in [*names, "INSULT_EXPERIMENTAL", "TOXICITY@6"]}
    answer = post(ANALYZE, request(requestedAttributes=asked), key)
    assert list(answer.json()["attributeScores"]) == list(asked)
    asked["FLIRTATION"] = {}
    refused = post(ANALYZE, request(requestedAttributes=asked), key)
    assert refused.json()["error"]["message"] == "Unknown requested attribute: FLIRTATION"
    settings.MODERATION = {**settings.MODERATION, "PERSPECTIVE_UNKNOWN_ATTRIBUTES": "drop"}
    assert (
        "FLIRTATION" not in post(ANALYZE, request(requestedAttributes=asked), key).json()["attributeScores"]
    )


def test_languages_html_and_lengths_are_as_the_site_says(key: str, settings: Any) -> None:
    french = post(ANALYZE, request(FRENCH), key)
    assert french.status_code == 400
    assert french.json()["error"]["details"][0]["errorType"] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
    html = request()
    html["comment"] |= {"text": "<b>hello</b> there", "type": "HTML"}
    assert post(ANALYZE, html, key).status_code == 400
    assert post(ANALYZE, request("a" * 20_480), key).status_code == 200
    long = post(ANALYZE, request("a" * 20_481), key)
    assert "Value (20481) exceeded limit (20480)" in long.json()["error"]["message"]
    settings.MODERATION = {
        **settings.MODERATION,
        "PERSPECTIVE_OTHER_LANGUAGES": "score",
        "PERSPECTIVE_HTML": "strip",
        "PERSPECTIVE_MAX_BYTES": 30_000,
    }
    assert post(ANALYZE, request(FRENCH), key).json()["detectedLanguages"][0] == "fr"
    assert post(ANALYZE, html, key).status_code == 200
    assert post(ANALYZE, request("a" * 20_481), key).status_code == 200


@pytest.mark.parametrize("path", [ANALYZE, SUGGEST])
def test_a_key_has_to_be_there_right_and_fit(path: str) -> None:
    content = {**request(), "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}
    missing = post(path, content)
    assert (missing.status_code, missing.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
    revoked = make_key()
    making.revoke(ApiKey.objects.get(), MACHINE)
    for wrong in ("mod_unknown", revoked):
        refused = post(path, content, wrong)
        assert refused.status_code == 400
        assert refused.json()["error"]["message"] == "API key not valid. Please pass a valid API key."
        assert refused.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert post(path, content, make_key("classify")).status_code == 403
    ours = make_key(origins=["https://example.org"])
    assert post(path, content, ours).status_code == 403
    assert post(path, content, ours, origin="https://example.org").status_code == 200


def test_a_key_is_taken_from_headers_too(key: str) -> None:
    assert post(ANALYZE, request(), **{"x-goog-api-key": key}).status_code == 200
    assert post(ANALYZE, request(), authorization=f"Bearer {key}").status_code == 200


def test_a_site_may_ask_for_no_key(settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "PERSPECTIVE_KEY_REQUIRED": False}
    assert post(ANALYZE, request()).status_code == 200
    assert post(ANALYZE, request(), "mod_wrong").status_code == 400
    content = {"comment": {"text": "a"}, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}
    assert post(SUGGEST, content).status_code == 403


def test_an_exhausted_quota_is_googles_429() -> None:
    key = make_key(quota=2)
    answers = [post(ANALYZE, request(), key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    error = answers[2].json()["error"]
    assert error["status"] == "RESOURCE_EXHAUSTED"
    assert error["details"][0]["metadata"]["quota_limit_value"] == "2"
    assert int(answers[2].headers["Retry-After"]) >= 1


def test_the_test_key_has_fixed_answers_and_stores_nothing(settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "API_TEST_KEY": True}
    assert value(post(ANALYZE, request("so toxic"), TEST_KEY)) == 0.9
    assert value(post(ANALYZE, request("so kind"), TEST_KEY)) == 0.1
    content = {"comment": {"text": "a"}, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}
    assert post(SUGGEST, content, TEST_KEY).status_code == 200
    assert not Screening.objects.exists() and not ModelVersion.objects.exists()


def test_discovery_asks_no_database(key: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = Client().get(f"{ROOT}/$discovery/rest?version=v1alpha1")
    assert answer.json()["rootUrl"] == f"http://testserver{ROOT}/"
    assert Client().get(f"{ROOT}/$discovery/rest?key=wrong").status_code == 400
    assert Client().get(f"{ROOT}/$discovery/rest?key={key}").status_code == 200


def test_no_slash_is_asked_for_and_other_paths_are_not_there() -> None:
    assert Client().post(f"{ANALYZE}/").status_code == 404
    assert Client().get(ANALYZE).status_code == 405


def test_a_batch_is_answered_part_by_part(key: str) -> None:
    part = (
        "--b\nContent-Type: application/http\nContent-ID: <one + {0}>\n\n"
        "POST {path}?key={key} HTTP/1.1\nContent-Type: application/json\n\n{body}\n"
    )
    body = "".join(
        part.format(number, path=ANALYZE, key=each, body=json.dumps(request()))
        for number, each in enumerate([key, "wrong"])
    )
    answer = Client().post(f"{ROOT}/batch", body + "--b--\n", content_type='multipart/mixed; boundary="b"')
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("multipart/mixed")
    assert b"HTTP/1.1 200" in answer.content and b"HTTP/1.1 400" in answer.content


def test_preflight_is_answered() -> None:
    answer = Client().options(ANALYZE, headers={"origin": "https://example.org"})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"comment": 7}',
        b"a" * 10_000_000,
        b'{"comment": {"text": "\\ud83d"}}',
    ],
)
@pytest.mark.parametrize("path", [ANALYZE, SUGGEST])
def test_hostile_bodies_get_the_envelope(key: str, path: str, content: bytes) -> None:
    answer = post(path, content, key)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["code"] == answer.status_code


def test_without_a_model_it_is_unavailable_and_nothing_is_mailed(
    key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(artifacts, "packaged_directory", lambda: tmp_path / "none")
    answer = post(ANALYZE, request(), key)
    assert (answer.status_code, answer.json()["error"]["status"]) == (503, "UNAVAILABLE")
    assert answer.headers["Retry-After"] == "30"
    assert mail.outbox == []


def test_no_key_and_no_text_is_in_a_log(
    key: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG")

    def broken(*_: Any) -> Any:
        raise RuntimeError(INSULT)

    monkeypatch.setattr(scoring, "score_admitted", broken)
    assert post(ANALYZE, request(), key).status_code == 500
    post(ANALYZE, "{", key)
    assert "RuntimeError" in caplog.text
    assert key not in caplog.text
    assert INSULT not in caplog.text


# --- suggestions -----------------------------------------------------------------------------------


def suggest(key: str, text: str = INSULT, score: float = 1.0, **fields: Any) -> Any:
    content = {
        "comment": {"text": text},
        "attributeScores": {
            "TOXICITY": {"summaryScore": {"value": score}},
            "SPAM": {"summaryScore": {"value": 0.5}},
        },
        "communityId": "Coral:https://example.org",
        "clientToken": "comment:7",
        **fields,
    }
    return post(SUGGEST, content, key)


def test_a_suggestion_waits_for_a_person(key: str) -> None:
    answer = suggest(key)
    assert answer.json() == {"clientToken": "comment:7", "detectedLanguages": ["en"]}
    suggestion = Suggestion.objects.get()
    assert suggestion.scores == {"TOXICITY": 1.0, "SPAM": 0.5}
    assert suggestion.labels == {"toxic": 1.0}
    assert (suggestion.key_name, suggestion.client_token) == ("ours", "comment:7")
    assert suggestion.screening.text == INSULT
    assert Screening.objects.suggested().count() == 1
    assert not Screening.objects.open().exists()


def test_the_same_text_of_the_same_client_waits_once(key: str) -> None:
    suggest(key)
    suggest(key, score=0.0)
    suggest(key, text="Another text of the same comment.")
    assert Suggestion.objects.count() == 3
    assert Screening.objects.suggested().count() == 2


def test_do_not_store_is_honoured(key: str) -> None:
    assert suggest(key, doNotStore=True).status_code == 200
    assert not Screening.objects.exists() and not Suggestion.objects.exists()


def test_a_suggestion_is_scored_drawn_for_nothing_and_learned_from_only_once_decided(
    key: str, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0}
    suggest(key)
    suggest(key, text="Thank you, that was kind.", clientToken="comment:8")
    drain()
    rows = Screening.objects.order_by("id")
    assert [row.verdict for row in rows] == ["held", "clear"]
    assert [(row.queued_for, row.sampling_probability) for row in rows] == [("", None)] * 2
    for side in (training_data.TRAIN, training_data.DEV, training_data.TEST):
        assert training_data.unreviewed(side, 10, seed=0) == ([], 0)
    assert training_data.reviewed(["toxic"]) == []
    sam = User.objects.create_user("sam")
    with pytest.raises(InvalidDecision):
        decide(rows[0].pk, reviewer=sam, kind="uphold")
    labels = {label: label == "toxic" for label in store.active_version().labels}
    decide(rows[0].pk, reviewer=sam, kind="relabel", labels=labels)
    (learned,) = training_data.reviewed(["toxic"])
    assert (learned.labels, learned.probability) == ((1.0,), None)
    assert not Screening.objects.suggested().filter(pk=rows[0].pk).exists()


@pytest.fixture
def moderator(admin_client: Client) -> Iterator[Client]:
    yield admin_client


def test_the_queue_of_suggestions_shows_what_was_suggested_and_a_person_confirms_it(
    key: str, moderator: Client
) -> None:
    suggest(key)
    drain()
    queue = "/admin/moderation/screening/"
    assert INSULT not in moderator.get(queue).content.decode()
    page = moderator.get(f"{queue}?state=suggested").content.decode()
    assert INSULT in page
    assert "ours" in page and "toxic 1.00" in page
    assert "Confirm</button>" in page and "Hide</button>" not in page
    screening = Screening.objects.get()
    labels = store.active_version().labels
    answer = moderator.post(
        f"{queue}{screening.pk}/decide/?state=suggested",
        {"kind": "relabel", "label": ["toxic"], "shown": labels},
        follow=True,
    )
    assert "is recorded (toxic)." in answer.content.decode()
    assert Review.objects.get().labels == {label: label == "toxic" for label in labels}
    assert INSULT not in moderator.get(f"{queue}?state=suggested").content.decode()


# --- the scale -------------------------------------------------------------------------------------


def test_scores_are_on_perspectives_scale_unless_the_site_wants_its_own(key: str, settings: Any) -> None:
    scaled = value(post(ANALYZE, request("What a silly idea that is."), key))
    settings.MODERATION = {**settings.MODERATION, "PERSPECTIVE_SCALE": False}
    raw = value(post(ANALYZE, request("What a silly idea that is."), key))
    maps = store.active_version().manifest["perspective_scale"]
    assert scaled == pytest.approx(Scale.from_json(maps).of("toxic", raw))
    assert scaled > raw


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """Scores of a Perspective that gives the square root of what this site's version gives."""
    words = ["idiot", "fool", "kind", "clever", "stupid", "nice", "boring", "trash", "lovely", "liar"]
    pairs = [(first, second) for first in words for second in words]
    texts = [
        f"You are a {first} and {second} {who}."
        for who in ("person", "man", "one")
        for first, second in pairs
    ]
    scores = classify_each(texts)
    path = tmp_path / "logged.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "toxicity"])
        writer.writerows([text, f"{score**0.5:.6f}"] for text, score in zip(texts, scores, strict=True))
    return path


def classify_each(texts: list[str]) -> list[float]:
    return [float(of["toxic"]) for of in load_scorer(store.active_version())(texts)]


def test_a_site_fits_the_scale_to_scores_that_it_has_logged(key: str, logged: Path, capsys: Any) -> None:
    text = "You are a silly fool."
    (raw,) = classify_each([text])
    before = value(post(ANALYZE, request(text), key))
    call_command("perspective_scale", "--from", str(logged), "--dry-run")
    assert value(post(ANALYZE, request(text), key)) == before
    call_command("perspective_scale", "--from", str(logged), "--json")
    printed = capsys.readouterr().out
    report = json.loads(printed[printed.index("{") :])
    assert value(post(ANALYZE, request(text), key)) == pytest.approx(raw**0.5, abs=0.05)
    for flags in report["flags"]:
        assert flags["both_after"] >= 0.9 * flags["theirs"]
    assert AuditEntry.objects.filter(action="scale.changed").count() == 1
    call_command("perspective_scale", "--reset")
    assert value(post(ANALYZE, request(text), key)) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\nhello\n", "a column"),
        ("TOXICITY\n0.5\n", "a column"),
        ("text,TOXICITY\nhello,2\n", "line 2"),
        ("text,TOXICITY\nhello,0.5\n", "too few"),
    ],
)
def test_a_file_that_a_scale_cannot_be_fitted_to_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "logged.csv"
    path.write_text(content)
    with pytest.raises(CommandError, match=message):
        call_command("perspective_scale", "--from", str(path))
    assert not PerspectiveScale.objects.exists()


def test_a_site_may_answer_at_the_root_of_its_host(key: str, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.moderation.perspective_at_root"
    assert post(ANALYZE.removeprefix(ROOT), request(), key).status_code == 200
    document = Client().get("/$discovery/rest?version=v1alpha1").json()
    assert document["rootUrl"] == "http://testserver/"
    assert Client().get("/admin/login/").status_code == 200


def test_a_caller_may_name_the_language_of_a_comment_that_is_taken_for_another(key: str) -> None:
    assert post(ANALYZE, request(FRENCH, languages=["en"]), key).status_code == 200
    assert post(ANALYZE, request(INSULT, languages=["fr"]), key).status_code == 400


def test_a_body_in_chunks_is_read_where_the_server_marks_its_end(key: str, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    for text, status in (("a", 200), ("a" * 1000, 413)):
        body = BytesIO(json.dumps(request(text)).encode())
        environment = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
        answer = Client().generic("POST", f"{ANALYZE}?key={key}", **environment)
        assert answer.status_code == status
        assert not body.read(1)


def test_a_site_that_asks_everybody_to_log_in_asks_no_client_of_the_api(key: str, settings: Any) -> None:
    login_required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, login_required]
    assert post(ANALYZE, request(), key).status_code == 200
    assert Client().get(f"{ROOT}/$discovery/rest").status_code == 200


def test_no_token_of_an_address_is_left_for_an_access_log(key: str) -> None:
    address = f"{ANALYZE}?access_token=ya29.secret&key={key}&alt=json"
    answer: Any = Client().post(address, json.dumps(request()), content_type="text/plain", RAW_URI=address)
    assert answer.status_code == 200
    assert answer.wsgi_request.META["RAW_URI"] == f"{ANALYZE}?alt=json"
    assert "ya29.secret" not in str(answer.wsgi_request.META)
