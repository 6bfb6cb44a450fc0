"""Published clients analyze, suggest and batch, unchanged but for the host."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from googleapiclient import discovery
from googleapiclient.errors import HttpError
from perspective import PerspectiveAPI

from tests.clients.servers import RunningServer

INSULT = "You are a stupid idiot, shut up."
KIND = "Thank you, that was a wonderful article."
FRENCH = "Je ne suis pas du tout d'accord avec cet article, il est vraiment très mauvais."
SENTENCES = "\N{GRINNING FACE} Lovely photo. You are a moron."
BAD_KEY = "API key not valid. Please pass a valid API key."


def google_client(server: RunningServer, key: str | None = None) -> Any:
    """The client that Google's library makes of the discovery document."""
    return discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey=key or server.key,
        discoveryServiceUrl=server.discovery_url,
        static_discovery=False,
    )


def body(text: str = INSULT, **fields: Any) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}, **fields}


def value(answer: dict[str, Any]) -> float:
    return float(answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"])


def test_googles_python_client_analyzes(server: RunningServer) -> None:
    comments = google_client(server).comments()
    assert value(comments.analyze(body=body()).execute()) > 0.5
    assert value(comments.analyze(body=body(KIND)).execute()) < 0.2
    answer = comments.analyze(body=body(SENTENCES, spanAnnotations=True)).execute()
    spans = answer["attributeScores"]["TOXICITY"]["spanScores"]
    assert [(span["begin"], span["end"]) for span in spans] == [(0, 16), (17, 33)]


def test_googles_python_client_reads_the_errors_that_its_users_look_for(server: RunningServer) -> None:
    with pytest.raises(HttpError) as refused:
        google_client(server).comments().analyze(body=body(FRENCH)).execute()
    assert refused.value.status_code == 400
    assert "does not support request languages" in refused.value.reason
    assert refused.value.error_details[0]["errorType"] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
    with pytest.raises(HttpError, match="Unknown requested attribute: FLIRTATION"):
        google_client(server).comments().analyze(
            body={**body(), "requestedAttributes": {"FLIRTATION": {}}}
        ).execute()


def test_googles_python_client_is_told_of_a_bad_key_at_discovery(server: RunningServer) -> None:
    with pytest.raises(HttpError, match="API key not valid"):
        google_client(server, "wrong")


def test_googles_python_client_suggests(server: RunningServer) -> None:
    suggestion = {
        "comment": {"text": INSULT},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}},
        "clientToken": "comment:7",
        "communityId": "google",
    }
    answer = google_client(server).comments().suggestscore(body=suggestion).execute()
    assert answer["clientToken"] == "comment:7"
    if server.manage:
        assert INSULT in server.suggested_texts()


def test_googles_python_client_batches_with_ids_that_its_mail_library_folds(server: RunningServer) -> None:
    """Some give the whole comment as the id of a part; the library folds a long one over two lines."""
    client = google_client(server)
    texts = [KIND, INSULT, f"{SENTENCES} " * 8, "Yes & no; a+b, «quoted» and \N{GRINNING FACE}."]
    answers: dict[str, Any] = {}
    errors: dict[str, Any] = {}

    def take(request_id: str, answer: Any, error: Any) -> None:
        (errors if error else answers)[request_id] = error or answer

    batch = client.new_batch_http_request(callback=take)
    for text in texts:
        batch.add(client.comments().analyze(body=body(text, languages=["en"])), request_id=text)
    batch.add(client.comments().analyze(body=body(FRENCH)), request_id=FRENCH)
    batch.execute()
    assert set(answers) == set(texts)
    assert value(answers[KIND]) < 0.5 < value(answers[INSULT])
    assert list(errors) == [FRENCH]
    assert "does not support request languages" in str(errors[FRENCH])


def test_a_batch_of_a_hundred_comments_is_answered_whole(server: RunningServer) -> None:
    client = google_client(server)
    answers: dict[str, Any] = {}

    def take(request_id: str, answer: Any, error: Any) -> None:
        assert error is None
        answers[request_id] = answer

    batch = client.new_batch_http_request(callback=take)
    for number in range(100):
        batch.add(client.comments().analyze(body=body(f"{KIND} {number}")), request_id=str(number))
    batch.execute()
    assert sorted(map(int, answers)) == list(range(100))


def test_pypi_perspective_scores_and_suggests(server: RunningServer) -> None:
    client = PerspectiveAPI(server.key)
    client.api_client.url = f"{server.root}v1alpha1/{{endpoint}}"
    scores = client.score(INSULT, tests=["TOXICITY", "SEVERE_TOXICITY", "INSULT"])
    assert list(scores) == ["TOXICITY", "SEVERE_TOXICITY", "INSULT"]
    assert scores["TOXICITY"] > 0.5 > client.score(KIND)["TOXICITY"]
    suggested = client.suggest_score(
        INSULT,
        {"TOXICITY": {"summaryScore": {"value": 1.0}}},
        validate=False,
        client_token="7",
        community_id="perspective",
    )
    assert suggested["clientToken"] == "7"


def test_npm_googleapis_discovers_analyzes_and_suggests(
    server: RunningServer, run_node: Callable[..., Any]
) -> None:
    read = run_node("googleapis", server.root, server.key, INSULT)
    assert read["score"] > 0.5
    assert read["token"] == "comment:1"
    assert read["refused"] == {"status": 400, "message": BAD_KEY}


def test_npm_perspective_api_client_analyzes_with_its_constant_redirected(
    server: RunningServer, run_node: Callable[..., Any]
) -> None:
    read = run_node("perspective-api-client", server.root, server.key, INSULT)
    assert read["score"] > 0.5
    assert "Unknown requested attribute: FLIRTATION" in read["refused"]["message"]


def test_npm_perspectiveapi_js_client_analyzes_with_its_constant_redirected(
    server: RunningServer, run_node: Callable[..., Any]
) -> None:
    read = run_node("perspectiveapi-js-client", server.root, server.key, INSULT)
    assert read["score"] > 0.5


def test_neither_key_nor_comment_is_in_the_log(server: RunningServer) -> None:
    with contextlib.suppress(HttpError):
        google_client(server).comments().analyze(body=body(FRENCH)).execute()
    log = server.log.read_text()
    assert log
    assert server.key not in log
    assert FRENCH not in log and INSULT not in log


def test_a_batch_keeps_nobody_else_out(server: RunningServer) -> None:
    batching = google_client(server)
    batch = batching.new_batch_http_request()
    statuses: list[int] = []
    for number in range(200):
        batch.add(
            batching.comments().analyze(body=body(f"{SENTENCES} " * 20)),
            callback=lambda _, answer, error: statuses.append(error.status_code if error else 200),
            request_id=str(number),
        )
    thread = threading.Thread(target=batch.execute)
    thread.start()
    client = google_client(server)
    answers = 0
    while thread.is_alive():
        assert value(client.comments().analyze(body=body()).execute()) > 0.5
        answers += 1
    thread.join()
    assert answers > 1
    assert statuses == [200] * 200
