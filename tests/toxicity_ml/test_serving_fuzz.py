"""Whatever comes to Perspective's endpoints of the server: Google's envelope, and never an error of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings

from tests.toxicity_ml.perspective.hostile import BATCHES, BODIES, LARGE, REQUESTS
from tests.toxicity_ml.test_serving import ANALYZE, Answer, Client, SlowClassifier, serving

SUGGEST = "/v1alpha1/comments:suggestscore"
bounded = settings(max_examples=60)


class Always(SlowClassifier):
    """Scores everything alike, at once."""

    def predict(self, texts: Sequence[str]) -> list[dict[str, float]]:
        return [{"toxic": 0.25} for _ in texts]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving(Always()) as server:
        yield server


def checked(answer: Answer) -> None:
    assert answer.status < 500
    content_type = answer.headers["Content-Type"]
    if content_type == "application/json; charset=UTF-8":
        assert ("error" in answer.json) == (answer.status != 200)
        assert answer.status == 200 or answer.json["error"]["code"] == answer.status
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    else:
        assert content_type.startswith("multipart/mixed") and answer.status == 200


@bounded
@given(REQUESTS | BODIES)
def test_any_body_is_answered(client: Client, body: bytes) -> None:
    checked(client.ask("POST", ANALYZE, body))
    checked(client.ask("POST", SUGGEST, body))


@bounded
@given(BATCHES)
def test_any_batch_is_answered(client: Client, batch: tuple[str, bytes]) -> None:
    content_type, body = batch
    checked(client.ask("POST", "/batch", body, {"Content-Type": content_type}))


@pytest.mark.parametrize("name", LARGE)
def test_large_bodies_are_answered(client: Client, name: str) -> None:
    body, content_type = LARGE[name]
    path = "/batch" if content_type.startswith("multipart") else ANALYZE
    checked(client.ask("POST", path, body, {"Content-Type": content_type}))
