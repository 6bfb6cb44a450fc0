"""`python -m toxicity_ml serve`: a real server, asked over real sockets."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from toxicity_ml import Classifier
from toxicity_ml.cli import main, serve
from toxicity_ml.cli.serve import is_loopback
from toxicity_ml.errors import DataError
from toxicity_ml.perspective.batch import MAX_BATCH_BYTES
from toxicity_ml.serving import keyfile
from toxicity_ml.serving.admission import Admission, Overloaded
from toxicity_ml.serving.app import MAX_BYTES, Keys, Server, make_app
from toxicity_ml.serving.keyfile import KeyFile, digest
from toxicity_ml.serving.schemas import MAX_CHARACTERS, MAX_TEXTS

SECONDS = 30
CANARY = "wurzelbrunft"
INSULT = "you are an idiot"


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks one server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, method: str, path: str, content: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        body = content if isinstance(content, bytes) else json.dumps(content) if content is not None else None
        usual = {"Content-Type": "application/json"} if body is not None else {}
        try:
            connection.request(method, path, body, {**usual, **(headers or {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def classify(self, content: Any, **headers: str) -> Answer:
        return self.ask("POST", "/classify", content, headers)


@contextmanager
def serving(classifier: Any, keys: Keys | None = None, threads: int = 2, **options: Any) -> Iterator[Client]:
    """A server in a thread of this process."""
    app = make_app(Server(classifier, threads=threads, keys=keys, **options))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield Client(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        listening.close()
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def client(classifier: Classifier) -> Iterator[Client]:
    with serving(classifier) as open_to_all:
        yield open_to_all


class SlowClassifier:
    """Scores once it is let."""

    version = "slow@1"
    labels = ("toxic",)
    languages = ("en",)
    manifest = SimpleNamespace(perspective_scale={})

    def __init__(self) -> None:
        self.is_scoring = threading.Event()
        self.may_go_on = threading.Event()

    def predict(self, texts: Sequence[str]) -> list[dict[str, float]]:
        self.is_scoring.set()
        assert self.may_go_on.wait(SECONDS)
        return [{"toxic": 0.25} for _ in texts]

    def labels_over_threshold(self, scores: dict[str, float]) -> list[str]:
        return []


def test_one_text_is_classified(client: Client, classifier: Classifier) -> None:
    answer = client.classify({"text": INSULT})
    scores = classifier.predict(INSULT)
    assert answer.status == 200
    assert answer.json == {
        "label": "toxic",
        "confidence": scores["toxic"],
        "all_scores": scores,
        "flagged": True,
        "model": classifier.version,
    }


def test_several_texts_are_classified_in_their_order(client: Client, classifier: Classifier) -> None:
    texts = ["thank you", INSULT, ""]
    results = client.classify({"texts": texts}).json["results"]
    assert [each["all_scores"] for each in results] == classifier.predict(texts)
    assert [each["flagged"] for each in results] == [False, True, False]
    assert client.classify({"texts": []}).json == {"results": []}


@pytest.mark.parametrize("text", ["\ud83d", "a\x00b", "\u202egnirts", "😀" * 200, " \n"])
def test_hostile_strings_are_scored(client: Client, text: str) -> None:
    answer = client.classify({"text": text})
    assert answer.status == 200
    assert all(0 <= score <= 1 for score in answer.json["all_scores"].values())


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"text": CANARY, "texts": [CANARY]},
        {"text": 7},
        {"texts": CANARY},
        {"texts": [CANARY, None]},
        {"texts": [CANARY] * (MAX_TEXTS + 1)},
        {"text": CANARY * MAX_CHARACTERS},
        [CANARY],
        f'"{CANARY}'.encode(),
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"text": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_a_request_is_a_problem_that_repeats_nothing(client: Client, content: Any) -> None:
    answer = client.classify(content)
    assert answer.status in (400, 413, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == answer.status
    assert CANARY.encode() not in answer.body


def test_a_body_that_grows_past_the_limit_is_refused_while_it_arrives(client: Client) -> None:
    def parts() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(MAX_BYTES // 65_536 + 2):
            yield b"a" * 65_536

    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=SECONDS)
    try:
        connection.request("POST", "/classify", parts(), {"Content-Type": "application/json"})
        assert connection.getresponse().status == 413
    finally:
        connection.close()
    announced = client.ask("POST", "/classify", b"", {"Content-Length": str(MAX_BYTES + 1)})
    assert announced.status == 413


def test_health_and_metrics_say_how_it_fares_and_no_text(client: Client, classifier: Classifier) -> None:
    client.classify({"text": CANARY})
    client.ask("GET", f"/{CANARY}")
    assert client.ask("GET", "/healthz").json == {"status": "ok", "model": classifier.version}
    page = client.ask("GET", "/metrics").body.decode()
    assert re.search(r'http_answers_total\{endpoint="/classify",status="200"\} [1-9]', page)
    assert re.search(r'http_answers_total\{endpoint="other",status="404"\} [1-9]', page)
    assert "toxicity_ml_characters_in_flight 0.0" in page
    assert CANARY not in page


def test_schema_describes_both_forms(client: Client) -> None:
    schema = client.ask("GET", "/openapi.json").json
    assert set(schema["paths"]) == {"/classify", "/healthz", "/metrics"}
    assert set(schema["components"]["schemas"]["ClassifyRequest"]["properties"]) == {"text", "texts"}


def test_more_than_may_be_in_flight_is_refused_at_once(caplog: pytest.LogCaptureFixture) -> None:
    slow = SlowClassifier()
    with serving(slow) as client:
        first: list[Answer] = []
        asking = threading.Thread(target=lambda: first.append(client.classify({"text": "a" * 50_000})))
        asking.start()
        assert slow.is_scoring.wait(SECONDS)
        refused = client.classify({"text": "short"})
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert client.ask("GET", "/healthz").status == 200
        slow.may_go_on.set()
        asking.join(SECONDS)
        assert first[0].status == 200
        assert client.classify({"text": "short"}).status == 200


def test_admission_lets_a_large_request_in_alone() -> None:
    admission = Admission(most=1000)
    with admission.of(50_000), pytest.raises(Overloaded), admission.of(1):
        pass
    with admission.of(400), admission.of(400):
        assert admission.characters == 800
        with pytest.raises(Overloaded), admission.of(400):
            pass
    assert admission.characters == 0


def test_error_of_the_model_is_a_500_that_repeats_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SlowClassifier):
        def predict(self, texts: Sequence[str]) -> list[dict[str, float]]:
            raise RuntimeError("broken")

    with serving(Broken()) as client:
        answer = client.classify({"text": CANARY})
        assert answer.status == 500
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert CANARY not in caplog.text


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(keyfile, "SECONDS_BETWEEN_LOOKS", 0.0)
    path = tmp_path / "keys"
    path.write_text(f"# ours\n\nplain-key\nsha256:{digest('hashed-key')}\n")
    return path


@pytest.mark.parametrize("key", ["plain-key", "hashed-key"])
@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/classify?key={}", None),
        ("/classify", "X-Goog-Api-Key"),
        ("/classify", "X-API-Key"),
        ("/classify", "Authorization"),
    ],
)
def test_a_key_opens_the_server(
    classifier: Classifier, keys: Path, key: str, path: str, header: str | None
) -> None:
    headers = {header: f"Bearer {key}" if header == "Authorization" else key} if header else {}
    with serving(classifier, KeyFile(keys)) as client:
        assert client.ask("POST", path.format(key), {"text": "hello"}, headers).status == 200


def test_without_a_key_or_with_a_wrong_one_only_health_answers(
    classifier: Classifier, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with serving(classifier, KeyFile(keys)) as client:
        for key in ("", "wrong-key", digest("hashed-key"), f"sha256:{digest('hashed-key')}"):
            answer = client.classify({"text": "hello"}, **({"X-API-Key": key} if key else {}))
            assert (answer.status, answer.json["code"]) == (401, "key-refused")
            assert client.ask("GET", f"/metrics?key={key}").status == 401
        assert client.ask("GET", "/healthz").status == 200
        assert client.ask("GET", "/metrics?key=plain-key").status == 200
    assert "plain-key" not in caplog.text
    assert "wrong-key" not in caplog.text


def test_keys_are_read_anew_and_an_emptied_file_opens_to_nobody(keys: Path) -> None:
    opened = KeyFile(keys)
    keys.write_bytes(b"\xef\xbb\xbfother-key\n")  # as Notepad saves it
    assert opened.admits("other-key")
    assert not opened.admits("plain-key")
    keys.write_text("# all withdrawn\n")
    assert not opened.admits("other-key")


@pytest.mark.parametrize("content", [None, b"\xff", b"two words\n"])
def test_old_keys_stay_where_the_file_cannot_be_read(keys: Path, content: bytes | None) -> None:
    opened = KeyFile(keys)
    if content is None:
        keys.unlink()
    else:
        keys.write_bytes(content)
    assert opened.admits("plain-key")


@pytest.mark.parametrize("content", ["", "# none\n", "two words\n", "sha256:abc\n"])
def test_a_file_that_is_no_key_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys"
    path.write_text(content)
    with pytest.raises(DataError, match=re.escape(str(path))):
        KeyFile(path)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_it_is_open_to_others_only_with_keys(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", host]) == 2
    assert "--keys" in capsys.readouterr().err
    assert not is_loopback(host)


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "log"
    command = [sys.executable, "-m", "toxicity_ml", "serve", "--port", str(port), "--threads", "1"]
    with log.open("w") as stream:
        # the variable is gunicorn's, and a container's environment may have it
        environment = {**os.environ, "WEB_CONCURRENCY": "2"}
        process = subprocess.Popen(command, stderr=stream, stdout=stream, env=environment)
    try:
        for _ in range(10 * SECONDS):
            if "running on" in log.read_text() or process.poll() is not None:
                break
            threading.Event().wait(0.1)
        client = Client(port)
        assert client.ask("POST", "/classify?key=secret-key", {"text": CANARY}).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()
    assert "POST /classify 200" in log.read_text()
    assert CANARY not in log.read_text()
    assert "secret-key" not in log.read_text()


# --- Perspective's endpoints ------------------------------------------------------------------------

ANALYZE = "/v1alpha1/comments:analyze"
BATCH_TYPE = {"Content-Type": "multipart/mixed; boundary=b"}


def analysis(text: str = INSULT, **fields: Any) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}, **fields}


def batch_of(*texts: str) -> bytes:
    parts = [
        f"--b\nContent-Type: application/http\nContent-ID: <one + {number}>\n\nPOST {ANALYZE} HTTP/1.1\n"
        f"Content-Type: application/json\n\n{json.dumps(analysis(text))}\n"
        for number, text in enumerate(texts)
    ]
    return "".join([*parts, "--b--\n"]).encode()


def statuses_of(answer: Answer) -> list[int]:
    assert answer.status == 200
    return [int(status) for status in re.findall(rb"^HTTP/1.1 (\d+)", answer.body, re.MULTILINE)]


def in_envelope(answer: Answer, status: int) -> bool:
    """True where an error is Google's, for pages of other sites to read as well."""
    return (
        answer.status == answer.json["error"]["code"] == status
        and answer.headers["Content-Type"] == "application/json; charset=UTF-8"
        and answer.headers["Access-Control-Allow-Origin"] == "*"
    )


@pytest.mark.parametrize("path", [ANALYZE, "/v1alpha1/comments:suggestscore"])
def test_a_body_that_is_too_large_is_refused_in_googles_envelope(client: Client, path: str) -> None:
    assert in_envelope(client.ask("POST", path, b"a" * (MAX_BYTES + 1)), 413)
    assert in_envelope(client.ask("POST", path, b"", {"Content-Length": str(MAX_BYTES + 1)}), 413)


def test_a_batch_may_be_larger_than_a_request_but_not_without_bound(client: Client) -> None:
    texts = ["a" * 20_000] * (MAX_BYTES // 20_000 + 1)
    answer = client.ask(
        "POST", "/batch", batch_of("thank you", *[f"{text}a" * 2 for text in texts]), BATCH_TYPE
    )
    assert statuses_of(answer) == [200, *[400] * len(texts)]
    assert in_envelope(client.ask("POST", "/batch", b"a" * (MAX_BATCH_BYTES + 1), BATCH_TYPE), 413)


def test_a_batch_keeps_nobody_else_out() -> None:
    slow = SlowClassifier()
    with serving(slow) as client:
        batches: list[Answer] = []
        body = batch_of(*["a" * 5_000] * 20)
        asking = threading.Thread(
            target=lambda: batches.append(client.ask("POST", "/batch", body, BATCH_TYPE))
        )
        asking.start()
        assert slow.is_scoring.wait(SECONDS)
        others: list[Answer] = []
        other = threading.Thread(target=lambda: others.append(client.classify({"text": "short"})))
        other.start()
        slow.may_go_on.set()
        other.join(SECONDS)
        asking.join(SECONDS)
        assert others[0].status == 200
        assert statuses_of(batches[0]) == [200] * 20


def test_parts_wait_for_room_and_are_refused_one_by_one_when_their_time_is_over() -> None:
    slow = SlowClassifier()
    with serving(slow, batch_seconds=0.5) as client:
        first: list[Answer] = []
        asking = threading.Thread(target=lambda: first.append(client.classify({"text": "a" * 50_000})))
        asking.start()
        assert slow.is_scoring.wait(SECONDS)
        answer = client.ask("POST", "/batch", batch_of("one", "two"), BATCH_TYPE)
        assert statuses_of(answer) == [503, 503]
        assert answer.body.count(b"Retry-After: 1") == 2
        assert answer.body.count(b"Content-ID: <response-one + ") == 2
        slow.may_go_on.set()
        asking.join(SECONDS)
        assert statuses_of(client.ask("POST", "/batch", batch_of("one", "two"), BATCH_TYPE)) == [200, 200]


def test_a_long_context_takes_no_room() -> None:
    slow = SlowClassifier()
    with serving(slow) as client:
        answers: list[Answer] = []
        content = analysis("hello", context={"entries": [{"text": "a" * 30_000}]})
        threads = [
            threading.Thread(target=lambda: answers.append(client.ask("POST", ANALYZE, content)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        assert slow.is_scoring.wait(SECONDS)
        slow.may_go_on.set()
        for thread in threads:
            thread.join(SECONDS)
        assert [answer.status for answer in answers] == [200, 200]


FRENCH = "Je ne suis pas du tout d'accord avec cet article, il est vraiment très mauvais."


def test_what_the_operator_decides_otherwise_than_google(classifier: Classifier, client: Client) -> None:
    requests = {
        "language": analysis(FRENCH),
        "attribute": analysis(requestedAttributes={"TOXICITY": {}, "FLIRTATION": {}}),
        "html": {**analysis(), "comment": {"text": "<b>hello</b> there", "type": "HTML"}},
        "length": analysis("a " * 10_241),
    }
    assert [client.ask("POST", ANALYZE, content).status for content in requests.values()] == [400] * 4
    arguments = ["--other-languages", "score", "--unknown-attributes", "drop", "--html", "strip"]
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    options = serve.perspective_options(parser.parse_args([*arguments, "--max-comment-bytes", "30000"]))
    with serving(classifier, perspective=options) as other:
        assert [other.ask("POST", ANALYZE, content).status for content in requests.values()] == [200] * 4


@pytest.mark.parametrize("value", ["0", "-1", "1000001", "many"])
def test_longest_comment_has_bounds(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--max-comment-bytes", value])
    assert "--max-comment-bytes" in capsys.readouterr().err


def test_discovery_gives_the_address_that_clients_see_behind_a_proxy(client: Client) -> None:
    headers = {"Host": "perspective.example.org", "X-Forwarded-Proto": "https"}
    document = client.ask("GET", "/$discovery/rest?version=v1alpha1", headers=headers).json
    assert document["rootUrl"] == "https://perspective.example.org/"


def test_a_slash_too_many_is_no_redirect(client: Client) -> None:
    assert client.ask("POST", f"{ANALYZE}/?key=secret", analysis()).status == 404
