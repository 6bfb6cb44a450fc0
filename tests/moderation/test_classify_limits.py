"""What one request, or many at once, can cost the web process that serves `classify/`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from moderation.models import ModelVersion
from moderation.screening import scorer
from tests.forum.models import Note
from tests.moderation.conftest import by_words, scores_with

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("version")]
CLASSIFY = "/api/moderation/classify/"
PROBLEM = "application/problem+json"
AS_FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    scores_with(monkeypatch, by_words)
    client = Client()
    client.force_login(User.objects.create_user("sam", is_staff=True))
    return client


def post(client: Client, body: str | bytes, content_type: str = "application/json", **extra: Any) -> Any:
    return client.post(CLASSIFY, body, content_type=content_type, **extra)


def in_another_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Start it, with a database connection of its own, and where its result will stand."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(call())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


class Slow:
    """A scorer that waits until it is told to go on."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, texts: Sequence[str]) -> list[dict[str, float]]:
        self.has_begun.set()
        assert self.may_end.wait(60)
        return by_words(texts)


@pytest.mark.regression("M8")
@pytest.mark.parametrize("element", ["1", "{}", "[]", "null", '""', '{"a":1}'])
def test_a_list_of_any_length_and_content_gets_one_short_error(client: Client, element: str) -> None:
    body = '{"texts":[' + ",".join([element] * 60_000) + "]}"
    response = post(client, body)
    assert response.status_code == 400
    assert response.json()["errors"] == {"texts": ["At most 100 texts in one request."]}


@pytest.mark.regression("M8")
@pytest.mark.parametrize("texts", [[1] * 100, [{}] * 100, ["a", *[None] * 99]])
def test_a_list_of_wrong_elements_is_left_at_the_first(client: Client, texts: list[Any]) -> None:
    response = post(client, json.dumps({"texts": texts}))
    place = 2 if texts[0] == "a" else 1
    assert (response.status_code, response.json()["errors"]) == (
        400,
        {"texts": [f"Not a string: item {place}."]},
    )


@pytest.mark.regression("M8")
@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "\xff\xfe"}',
        b'{"text": NaN}',
        b'{"text": 1' + b"0" * 5000 + b"}",
        b'{"text": "a", "text": {"a": ' * 500,
        b'{"texts": {"0": "a"}}',
        b'{"text": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"{" + b",".join(b'"%d":0' % key for key in range(40_000)) + b"}",
        b"null",
        b'"a"',
        b"\x00",
    ],
)
def test_whatever_is_no_request_gets_a_short_400_in_json(client: Client, body: bytes) -> None:
    response = post(client, body)
    assert (response.status_code, response["Content-Type"]) == (400, PROBLEM)
    assert len(response.content) < 500


@pytest.mark.regression("M8", "M10")
@pytest.mark.parametrize("content_type", [AS_FORM, "text/plain", "multipart/form-data; boundary=x"])
def test_only_json_is_read(client: Client, content_type: str) -> None:
    response = post(client, b"text=hello", content_type)
    assert (response.status_code, response["Content-Type"]) == (415, PROBLEM)


@pytest.mark.regression("M8", "M10")
def test_a_form_is_refused_in_json_before_the_check_for_csrf_reads_it() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_user("sam", is_staff=True))
    strict.cookies["csrftoken"] = "a" * 32  # without one it looks no further
    responses = [
        post(strict, body, AS_FORM)
        for body in (b"a=" + b"x" * 3_000_000, b"&".join(b"a%d=1" % key for key in range(5000)))
    ]
    assert [response.status_code for response in responses] == [413, 415]
    assert {response["Content-Type"] for response in responses} == {PROBLEM}


@pytest.mark.regression("M10")
@pytest.mark.parametrize("character", ["a", "ж", "\U0001f600"])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_as_much_text_as_the_limit_says_is_taken_however_it_is_written(
    client: Client, character: str, ensure_ascii: bool
) -> None:
    text = character * 50_000
    body = json.dumps({"text": text}, ensure_ascii=ensure_ascii)
    assert post(client, body.encode()).status_code == 200
    body = json.dumps({"texts": [text, character]}, ensure_ascii=ensure_ascii)
    response = post(client, body.encode())
    assert (response.status_code, response["Content-Type"]) == (413, PROBLEM)
    assert "At most 50,000 characters" in response.json()["detail"]


@pytest.mark.regression("M10")
@pytest.mark.parametrize("promised", ["", "5"])
def test_what_django_refuses_to_read_gets_413_in_json(client: Client, settings: Any, promised: str) -> None:
    """Where the site lets in less than our own limit, also when the client lies about the length."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = post(client, json.dumps({"text": "x" * 2000}))
    assert (response.status_code, response["Content-Type"]) == (413, PROBLEM)
    assert "At most 1,000 bytes" in response.json()["detail"]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert post(client, json.dumps({"text": "x" * 2000})).status_code == 200


@pytest.mark.regression("M11")
@pytest.mark.parametrize("address", [CLASSIFY, "/api/moderation/schema/", "/healthz", "/metrics"])
def test_no_transaction_is_open_where_a_site_has_atomic_requests(
    client: Client, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    while_asking: list[bool] = []

    def note(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        while_asking.append(connection.in_atomic_block)
        return execute(sql, params, many, context)

    def noting(texts: Sequence[str]) -> list[dict[str, float]]:
        while_asking.append(connection.in_atomic_block)
        return by_words(texts)

    scores_with(monkeypatch, noting)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    with connection.execute_wrapper(note):
        response = post(client, '{"text": "a"}') if address == CLASSIFY else client.get(address)
    assert response.status_code == 200
    assert while_asking and not any(while_asking)


@pytest.mark.regression("M11")
def test_a_comment_is_saved_while_a_text_is_scored(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    scores_with(monkeypatch, slow)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    thread, responses = in_another_thread(lambda: post(client, '{"text": "a"}'))
    try:
        assert slow.has_begun.wait(60)
        Note.objects.create(text="hello")
        assert not responses
    finally:
        slow.may_end.set()
        thread.join(60)
    assert responses[0].status_code == 200


@pytest.mark.regression("M9")
def test_requests_beyond_those_in_flight_are_sent_away_until_one_is_done(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MODERATION = {**settings.MODERATION, "CLASSIFY_MAX_IN_FLIGHT": 1}
    slow = Slow()
    scores_with(monkeypatch, slow)
    thread, responses = in_another_thread(lambda: post(client, '{"text": "a"}'))
    try:
        assert slow.has_begun.wait(60)
        refused = post(client, '{"text": "b"}')
        assert (refused.status_code, refused["Content-Type"]) == (503, PROBLEM)
        assert int(refused["Retry-After"]) > 0
        # of an error in the log Django makes a mail to the admins, one for each request of a flood
        assert not [record for record in caplog.records if record.levelname == "ERROR"]
    finally:
        slow.may_end.set()
        thread.join(60)
    assert responses[0].status_code == 200
    assert post(client, '{"text": "b"}').status_code == 200


@pytest.mark.regression("M9")
def test_a_refused_or_failing_request_leaves_its_place(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(texts: Sequence[str]) -> list[dict[str, float]]:
        raise OSError

    scores_with(monkeypatch, failing)
    for _ in range(3):
        response = post(client, '{"text": "a"}')
        assert (response.status_code, int(response["Retry-After"]) > 0) == (503, True)
        assert response.json()["detail"].startswith("No model")
    scores_with(monkeypatch, by_words)
    assert post(client, '{"text": "a"}').status_code == 200


@pytest.mark.regression("M9")
def test_a_caller_who_comes_too_often_gets_429_and_is_told_when_to_come_again(
    client: Client, settings: Any
) -> None:
    statuses = [post(client, '{"text": "a"}').status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    assert int(post(client, '{"text": "a"}')["Retry-After"]) > 0
    rates = {"DEFAULT_THROTTLE_RATES": {"moderation_classify": None}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
    assert post(client, '{"text": "a"}').status_code == 200
    rates = {"DEFAULT_THROTTLE_RATES": {"moderation_classify": "1/min"}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
    assert post(client, '{"text": "a"}').status_code == 429


@pytest.mark.regression("M9")
def test_a_cache_that_is_away_shuts_nobody_out(client: Client, settings: Any) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert post(client, '{"text": "a"}').status_code == 200


@pytest.mark.regression("M9")
def test_the_web_process_scores_on_one_core(
    client: Client, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    ModelVersion.objects.all().delete()  # the packaged one takes its place
    monkeypatch.undo()
    monkeypatch.setattr(scorer, "_loaded_for_web", scorer._Loaded(lambda: "onnx", cores=1))
    assert post(client, '{"text": "a"}').status_code == 200
    loaded = scorer._loaded_for_web._model
    assert loaded is not None and loaded._classifier.threads == 1


@pytest.mark.regression("D8")
def test_a_token_client_logs_in_where_the_site_has_tokens() -> None:
    said = _on_a_bare_site(
        {"DEFAULT_AUTHENTICATION_CLASSES": ["bare_site.Token"]},
        "post = lambda **headers: Client(enforce_csrf_checks=True).post(\n"
        "    '/api/moderation/classify/', '{}', content_type='application/json', headers=headers)\n"
        "print(post().status_code, post(authorization='Token y').status_code)\n"
        "print(post(authorization='Token x').status_code)\n",
        permission="IsAdminUser",
    )
    assert said.split() == ["401", "401", "400"]


@pytest.mark.regression("D2")
@pytest.mark.parametrize(
    "rest_framework",
    [
        {},
        {"DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning"},
        {"DEFAULT_SCHEMA_CLASS": "rest_framework.schemas.openapi.AutoSchema"},
        {"DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"]},
    ],
)
def test_the_schema_is_served_without_a_warning_whatever_the_site_set(rest_framework: dict[str, Any]) -> None:
    said = _on_a_bare_site(
        rest_framework,
        "response = Client().get('/api/moderation/schema/', {'format': 'json'})\n"
        "assert response.status_code == 200, response.status_code\n"
        "posted = Client().post('/api/moderation/classify/', '{}', content_type='application/json')\n"
        "assert posted.status_code == 400, posted.status_code\n"
        "print(response.content.decode())\n",
    )
    paths = json.loads(said)["paths"]
    assert paths["/api/moderation/classify/"]["post"]["operationId"] == "classify"
    assert paths["/api/moderation/schema/"]["get"]["operationId"] == "schema"


BARE_SITE = """
import logging, os, sys, types
import tests.settings

site = types.ModuleType("bare_site")
site.__dict__.update({key: value for key, value in vars(tests.settings).items() if key.isupper()})
site.ALLOWED_HOSTS = ["testserver"]
site.MIDDLEWARE = [name for name in site.MIDDLEWARE if "whitenoise" not in name]
site.INSTALLED_APPS = [name for name in site.INSTALLED_APPS if name != "drf_spectacular"]

class Token:
    def authenticate(self, request):
        from django.contrib.auth.models import User
        if request.headers.get("Authorization") == "Token x":
            return User(pk=1, is_staff=True), None
    def authenticate_header(self, request):
        return "Token"

site.Token = Token
logging.disable(logging.CRITICAL)
sys.modules["bare_site"] = site
os.environ["DJANGO_SETTINGS_MODULE"] = "bare_site"
"""


def _on_a_bare_site(rest_framework: dict[str, Any], code: str, permission: str = "AllowAny") -> str:
    """What `code` prints on a site with this REST_FRAMEWORK; nothing may be said on stderr.

    In a process of its own: REST framework reads the classes of its views when it is imported.
    """
    code = (
        f"{BARE_SITE}\nsite.REST_FRAMEWORK = {rest_framework!r}\n"
        f"site.MODERATION['CLASSIFY_PERMISSION'] = 'rest_framework.permissions.{permission}'\n"
        f"import django\ndjango.setup()\nfrom django.test import Client\n{code}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.regression("M9")
def test_a_forked_process_scores_though_its_parent_was_scoring(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `gunicorn --preload` forks: with locks taken, places in flight, and without the parent's threads."""
    from moderation.api.admission import admission

    before = scorer._loaded_for_web
    with admission(), admission(), before._lock:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with admission(), scorer._loaded_for_web._lock:
                    status = 0 if scorer._loaded_for_web is not before else 2
            finally:
                os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
