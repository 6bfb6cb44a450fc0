"""Makes the FastAPI application: `POST /classify`, `/healthz` and `/metrics` over one model version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from toxicity_ml import language
from toxicity_ml.perspective.analysis import AnalysisOptions
from toxicity_ml.perspective.engine import ModelEngine
from toxicity_ml.perspective.scale import Scale
from toxicity_ml.perspective.service import BATCH_SECONDS, Service, ServiceOptions
from toxicity_ml.serving.admission import RETRY_SECONDS, Admission, Overloaded
from toxicity_ml.serving.bodies import TOO_LARGE, LimitBody
from toxicity_ml.serving.counting import CountAnswers
from toxicity_ml.serving.metrics import CONTENT_TYPE, ServerMetrics
from toxicity_ml.serving.perspective import PATHS, Endpoints, FileKeys, NoStore
from toxicity_ml.serving.problems import problem
from toxicity_ml.serving.schemas import MAX_CHARACTERS, Classification, Classifications, ClassifyRequest

if TYPE_CHECKING:
    from toxicity_ml.classifier import Classifier

Result = TypeVar("Result")

MAX_BYTES = 12 * MAX_CHARACTERS + 64 * 1024
"""Of a request's body: a character takes at most 12 bytes in JSON, as an escaped surrogate pair."""

ESCAPED_BYTES = 6
"""The most that one byte of a comment takes in JSON, as a control character."""

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Of Perspective's addresses: the wire code says itself which it takes."""


class Keys(Protocol):
    """The keys that open the server."""

    def admits(self, key: str) -> bool:
        """True where the key is one of them."""
        ...


class KeyRefused(Exception):
    """The request brought no key, or one that is not in force."""


class Server:
    """One loaded version and what bounds its use; the routes of the application are its methods."""

    def __init__(
        self,
        classifier: Classifier,
        *,
        threads: int,
        keys: Keys | None,
        perspective: AnalysisOptions | None = None,
        batch_seconds: float = BATCH_SECONDS,
    ) -> None:
        """threads: requests scored at once. keys: None opens the server to everybody who reaches it.
        perspective: what Perspective's endpoints do otherwise than Google did. batch_seconds: what a batch
        may take there."""
        options = perspective or AnalysisOptions()
        self.classifier = classifier
        self.keys = keys
        self.admission = Admission()
        self.metrics = ServerMetrics(classifier.version)
        self.metrics.characters_in_flight.set_function(lambda: self.admission.characters)
        self.pool = ThreadPoolExecutor(threads, "scoring")
        most = max(MAX_BYTES, ESCAPED_BYTES * options.max_bytes + 64 * 1024)
        self.perspective = Endpoints(
            Service(
                FileKeys(keys),
                ModelEngine(
                    classifier.predict,
                    labels=classifier.labels,
                    languages=classifier.languages,
                    detect=partial(language.detected, own=classifier.languages),
                    scale=Scale.from_json(classifier.manifest.perspective_scale).functions(),
                    options=options,
                ),
                NoStore(),
                ServiceOptions(max_comment_bytes=options.max_bytes, max_body_bytes=most),
            ),
            self.admission,
            self.in_pool,
            max_bytes=most,
            batch_seconds=batch_seconds,
        )

    def check_key(self, request: Request) -> None:
        """Raise KeyRefused where the server has keys and the request brings none of them."""
        if self.keys is not None and not self.keys.admits(key_of(request)):
            raise KeyRefused

    async def classify(self, asked: ClassifyRequest) -> Classification | Classifications:
        """Score one text or several; a text is neither stored nor logged."""
        texts = asked.all_texts
        with self.admission.of(sum(map(len, texts))):
            results = await self.in_pool(lambda: self._classify(texts))
        return results[0] if asked.text is not None else Classifications(results=results)

    async def in_pool(self, work: Callable[[], Result]) -> Result:
        """Run it on a thread of the pool, so that the event loop goes on."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)

    def _classify(self, texts: Sequence[str]) -> list[Classification]:
        return [
            Classification(
                label=(highest := max(scores, key=lambda label: scores[label])),
                confidence=scores[highest],
                all_scores=scores,
                flagged=bool(self.classifier.labels_over_threshold(scores)),
                model=self.classifier.version,
            )
            for scores in (self.classifier.predict(texts) if texts else [])
        ]


def key_of(request: Request) -> str:
    """The key that a request brings: `X-API-Key`, `Authorization: Bearer KEY`, or `?key=`; "" for none."""
    if key := request.headers.get("x-goog-api-key") or request.headers.get("x-api-key"):
        return key
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return request.query_params.get("key", "")


def make_app(server: Server) -> FastAPI:
    """The application of a server."""

    @asynccontextmanager
    async def lifespan(app: FastAPI):  # type: ignore[no-untyped-def]  # as Starlette types it
        yield
        server.pool.shutdown(cancel_futures=True)

    # The pages that FastAPI would make for a reader load their scripts from elsewhere.
    app = FastAPI(
        title="toxicity_ml", docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan
    )
    guarded = [Depends(_guard(server))]
    app.post(
        "/classify",
        response_model=Classification | Classifications,
        dependencies=guarded,
        operation_id="classify",
    )(server.classify)
    app.get("/healthz", operation_id="healthz")(lambda: {"status": "ok", "model": server.classifier.version})
    app.get("/metrics", dependencies=guarded, operation_id="metrics", response_class=Response)(
        lambda: Response(server.metrics.page(), media_type=CONTENT_TYPE)
    )
    for path in PATHS:
        app.api_route(path, methods=METHODS, include_in_schema=False)(server.perspective.answer)
    _add_errors(app)
    app.add_middleware(LimitBody, max_bytes=partial(_max_bytes, server), refuse=partial(_refuse_body, server))
    app.add_middleware(CountAnswers, metrics=server.metrics)
    return app


def _max_bytes(server: Server, path: str) -> int:
    return server.perspective.max_bytes(path) if path in PATHS else MAX_BYTES


def _refuse_body(server: Server, scope: Scope, status: int) -> Response:
    if scope["path"] in PATHS:
        return server.perspective.refuse_body(scope, status == TOO_LARGE)
    return (
        problem(413, "too-large", f"A request may have {MAX_BYTES:,} bytes.")
        if status == TOO_LARGE
        else _busy()
    )


def _busy() -> Response:
    return problem(
        503,
        "busy",
        "Too many texts are being scored at the moment; try again later.",
        {"Retry-After": str(RETRY_SECONDS)},
    )


def _guard(server: Server) -> Callable[[Request], None]:
    def guard(request: Request) -> None:
        server.check_key(request)

    return guard


def _add_errors(app: FastAPI) -> None:
    """Answer every error as a problem. None repeats what the request brought, as FastAPI's own would."""

    @app.exception_handler(KeyRefused)
    async def refused(request: Request, error: Exception) -> Response:
        return problem(
            401, "key-refused", "This server wants a valid API key.", {"WWW-Authenticate": "Bearer"}
        )

    @app.exception_handler(Overloaded)
    async def overloaded(request: Request, error: Exception) -> Response:
        return _busy()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  # narrows the type
        return problem(422, "invalid", "; ".join(_complaints(error)))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # narrows the type
        return problem(error.status_code, "http", str(error.detail), error.headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return problem(500, "failed", "The text could not be scored. The server's log says why.")


def _complaints(error: RequestValidationError) -> list[str]:
    """What is wrong, by the places of our own fields: a stranger's key may hold anything."""
    return [_complaint(each["loc"], each["type"], each["msg"]) for each in error.errors()]


def _complaint(location: Sequence[object], kind: str, message: str) -> str:
    if kind == "model_attributes_type":
        return 'body: a JSON object is wanted, such as {"text": "…"}, with Content-Type: application/json'
    known = [str(part) for part in location if part in ("body", "text", "texts") or isinstance(part, int)]
    return f"{'.'.join(known)}: {message.removeprefix('Value error, ')}"
