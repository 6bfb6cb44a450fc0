"""A service whose model knows a few words, with keys that are allowed and one that is exhausted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.perspective import errors
from toxicity_ml.perspective.analysis import AnalysisOptions, analyze
from toxicity_ml.perspective.errors import Metric
from toxicity_ml.perspective.requests import AnalyzeRequest, SuggestRequest
from toxicity_ml.perspective.service import Scope, Service, ServiceOptions, WireRequest, WireResponse

ANALYZE = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"
ROOT = "http://api.example/"


class FakeKeys:
    """`good` may do everything, `analyze-only` may not suggest, `spent` has nothing left."""

    def __init__(self) -> None:
        self.charged: list[Metric] = []
        self.origins: list[str | None] = []

    def admit(self, key: str | None, scope: Scope | None, origin: str | None) -> str:
        self.origins.append(origin)
        if key is None:
            raise errors.missing_api_key()
        if key not in ("good", "analyze-only", "spent"):
            raise errors.bad_api_key()
        if key == "analyze-only" and scope == "suggest":
            raise errors.method_blocked("SuggestCommentScore")
        return key

    def charge(self, caller: Any, metric: Metric) -> None:
        if caller == "spent":
            raise errors.quota_exceeded(metric, limit=60, consumer="projects/7")
        self.charged.append(metric)


def score(text: str) -> dict[str, float]:
    """0.9 for each label where the text has `moron`, else 0.1."""
    return dict.fromkeys(JIGSAW_LABELS, 0.9 if "moron" in text else 0.1)


def detect(text: str) -> list[str]:
    """French where the text has `chat`, Romanian and English where it has `salut`, none for `zxqv`."""
    for word, languages in {"chat": ["fr"], "salut": ["ro", "en"], "zxqv": []}.items():
        if word in text:
            return languages
    return ["en"]


class FakeEngine:
    """Scores with `score`, and remembers how often it was asked."""

    def __init__(self, options: AnalysisOptions | None = None) -> None:
        self.options = options
        self.scored: list[Sequence[str]] = []
        self.error: BaseException | None = None

    def analyze(self, request: AnalyzeRequest, caller: Any) -> Mapping[str, object]:
        if self.error is not None:
            raise self.error
        return analyze(
            request, scores=self._scores, labels=JIGSAW_LABELS, detect=detect, options=self.options
        )

    def _scores(self, texts: Sequence[str]) -> list[dict[str, float]]:
        self.scored.append(texts)
        return [score(text) for text in texts]


class FakeSuggestions:
    """Keeps what was received."""

    def __init__(self) -> None:
        self.received: list[SuggestRequest] = []

    def receive(self, request: SuggestRequest, caller: Any) -> list[str]:
        self.received.append(request)
        return ["en"]


class FakeSite:
    """A service, what stands behind it, and a short way to call it."""

    def __init__(
        self, options: AnalysisOptions | None = None, service_options: ServiceOptions | None = None
    ) -> None:
        self.keys, self.engine, self.suggestions = FakeKeys(), FakeEngine(options), FakeSuggestions()
        self.service = Service(self.keys, self.engine, self.suggestions, service_options)

    def post(
        self,
        body: object,
        path: str = ANALYZE,
        *,
        key: str | None = "good",
        headers: Mapping[str, str] | None = None,
        query: Sequence[tuple[str, str]] = (),
    ) -> WireResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        query = [*query, *([("key", key)] if key else [])]
        return self.service.handle(WireRequest("POST", path, query, headers or {}, raw, ROOT))

    def analyze(self, text: str, *attributes: str, **fields: object) -> dict[str, Any]:
        """The answer to a request for `attributes`, TOXICITY if none is named."""
        requested = {name: {} for name in attributes or ("TOXICITY",)}
        return parsed(self.post({"comment": {"text": text}, "requestedAttributes": requested} | fields))


def parsed(response: WireResponse) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(response.body)
    return value


def spans(answer: Mapping[str, Any], attribute: str = "TOXICITY") -> list[tuple[int, int]]:
    """Begin and end of each span of an answer."""
    return [(span["begin"], span["end"]) for span in answer["attributeScores"][attribute]["spanScores"]]
