"""Serve a model version over HTTP: POST /classify, /healthz and /metrics, and Perspective's endpoints.

POST /classify takes {"text": "…"} or {"texts": ["…", …]} and answers with label, confidence, all_scores,
flagged and model. Texts are neither stored nor logged.

Without --keys the server listens on this machine's own addresses only. --keys names a file with one key a
line, plain or as sha256:DIGEST; it is read anew when it changes.

Perspective's endpoints answer as Google's did. What you want otherwise: --other-languages score,
--unknown-attributes drop, --html strip, --max-comment-bytes N.
"""

import argparse
import ipaddress
import logging
from pathlib import Path

from toxicity_ml.cli.arguments import add_model, port, positive
from toxicity_ml.errors import DataError
from toxicity_ml.perspective.analysis import MAX_BYTES, AnalysisOptions

HOST, PORT = "127.0.0.1", 8080
CONNECTIONS = 1_000
"""Open at once; more wait in the system's queue."""
GRACE_SECONDS = 10
REFUSE = "refuse"
MOST_COMMENT_BYTES = 1_000_000
"""A comment of that length takes a minute of one core."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default=HOST, help=f"address to listen on (default: {HOST})")
    parser.add_argument("--port", type=port, default=PORT, help=f"port to listen on (default: {PORT})")
    parser.add_argument("--keys", type=Path, metavar="FILE", help="the API keys that open the server")
    add_model(parser)
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="texts scored at once (default: one for each core)"
    )
    group = parser.add_argument_group("Perspective's endpoints")
    group.add_argument(
        "--other-languages",
        choices=(REFUSE, "score"),
        default=REFUSE,
        help="comments in a language that the model was not made for (default: refuse, as Google did)",
    )
    group.add_argument(
        "--unknown-attributes",
        choices=(REFUSE, "drop"),
        default=REFUSE,
        help="requests for attributes that the model has no label for (default: refuse, as Google did)",
    )
    group.add_argument(
        "--html",
        choices=(REFUSE, "strip"),
        default=REFUSE,
        help="comments of the type HTML (default: refuse, as Google did)",
    )
    group.add_argument(
        "--max-comment-bytes",
        type=_comment_bytes,
        default=MAX_BYTES,
        metavar="N",
        help=f"longest comment, in bytes of UTF-8 (default: {MAX_BYTES}, as with Google)",
    )
    parser.add_argument("--quiet", action="store_true", help="log no line for each request")


def run(args: argparse.Namespace) -> int:
    """Returns 0 once the server was stopped. Raises DataError for keys that can't be read and for an address
    that is open to others without keys, ModelNotFound or ModelDamaged for the version."""
    import uvicorn

    from toxicity_ml.classifier import Classifier
    from toxicity_ml.serving.app import Server, make_app
    from toxicity_ml.serving.keyfile import KeyFile

    if args.keys is None and not is_loopback(args.host):
        raise DataError(
            f"Whoever reaches {args.host} could use this server: give --keys FILE, or leave --host out."
        )
    keys = KeyFile(args.keys) if args.keys else None
    classifier = Classifier.load(args.model, threads=args.threads)
    if args.quiet:
        logging.getLogger("toxicity_ml.serving.counting").setLevel(logging.WARNING)
    server = Server(classifier, threads=classifier.threads, keys=keys, perspective=perspective_options(args))
    uvicorn.run(
        make_app(server),
        host=args.host,
        port=args.port,
        access_log=False,  # it would write down the keys that stand in addresses
        log_config=None,
        server_header=False,
        workers=1,  # else WEB_CONCURRENCY decides, and more would want the application by its name
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return 0


def perspective_options(args: argparse.Namespace) -> AnalysisOptions:
    """What Perspective's endpoints do otherwise than Google did."""
    return AnalysisOptions(
        drop_unknown_attributes=args.unknown_attributes != REFUSE,
        max_bytes=args.max_comment_bytes,
        strip_html=args.html != REFUSE,
        unsupported_language="refuse" if args.other_languages == REFUSE else "english",
    )


def _comment_bytes(given: str) -> int:
    value = positive(given)
    if value > MOST_COMMENT_BYTES:
        raise argparse.ArgumentTypeError(f"at most {MOST_COMMENT_BYTES}")
    return value


def is_loopback(host: str) -> bool:
    """True where only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
