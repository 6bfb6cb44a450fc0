"""Takes a batch of requests apart and puts the answers together: multipart/mixed with HTTP inside.

Own code, because mail parsers keep a folded header folded, and read ten hostile megabytes for minutes.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice

from toxicity_ml.perspective.errors import bad_batch, payload_too_large

__all__ = ["MAX_BATCH_BYTES", "MAX_PARTS", "Part", "join", "split"]

MAX_PARTS = 1000
MAX_BATCH_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Part:
    """One request of a batch."""

    content_id: str = field(repr=False)
    """As the client sent it, on one line; empty if it sent none."""
    method: str
    target: str = field(repr=False)
    """The address of the request line: a path with its query, or a whole URL."""
    headers: Mapping[str, str] = field(repr=False)
    """By name in small letters."""
    body: bytes = field(repr=False)


def split(content_type: str, body: bytes, *, max_parts: int = MAX_PARTS) -> list[Part]:
    """Take a batch apart, in the order of its parts.

    Raises the WireError of a batch for a body that is none, that has no part, or more than `max_parts`.
    """
    if len(body) > MAX_BATCH_BYTES:
        raise payload_too_large(MAX_BATCH_BYTES)
    delimiter = b"--" + _boundary(content_type)
    parts = [_part(raw) for raw in islice(_between(body, delimiter), max_parts + 1)]
    if not parts:
        raise bad_batch("the batch has no part.")
    if len(parts) > max_parts:
        raise bad_batch(f"the batch has more than {max_parts} parts.")
    return parts


def join(answers: Iterable[tuple[str, int, Mapping[str, str], bytes]]) -> tuple[str, bytes]:
    """Put answers together: Content-ID of the request, status, headers and body of each.

    Returns the Content-Type and the body of the batch's own answer.
    """
    boundary = f"batch_{secrets.token_hex(16)}"
    parts = (_answer(*answer) for answer in answers)
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return f"multipart/mixed; boundary={boundary}", body + b"--%s--\r\n" % boundary.encode()


# --- apart ---------------------------------------------------------------------------------------

_BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s;,"]{1,200}))""", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"(?:\A|\r?\n)\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_REQUEST_LINE = re.compile(r"([A-Za-z]{1,16}) +(\S{1,8192})(?: +HTTP/[\d.]{1,8})?\s*")


def _boundary(content_type: str) -> bytes:
    match = _BOUNDARY.search(content_type)
    if not content_type.lower().lstrip().startswith("multipart/") or match is None:
        raise bad_batch("the Content-Type has to be multipart/mixed with a boundary.")
    return (match[1] or match[2]).encode("latin-1", "replace")


def _between(body: bytes, delimiter: bytes) -> Iterator[bytes]:
    """Yield what lies between two lines of the delimiter. The last part may lack its end."""
    line = re.compile(rb"(?:\A|\r?\n)%s(--)?[ \t]*(?=\r?\n|\Z)" % re.escape(delimiter))
    begin: int | None = None
    for match in line.finditer(body):
        if begin is not None:
            yield body[begin : match.start()]
        if match[1]:
            return
        begin = match.end()
    if begin is not None:
        yield body[begin:]


def _part(raw: bytes) -> Part:
    """Read one part: its headers, then the request line, the request's headers and its body."""
    outer, request = _at_blank_line(_without_first_line_end(raw))
    head, body = _at_blank_line(request.lstrip(b"\r\n"))
    request_line, _, header_lines = head.decode("latin-1").partition("\n")
    match = _REQUEST_LINE.fullmatch(request_line)
    if match is None:
        raise bad_batch("a part has no request line.")
    content_id = _headers(outer.decode("latin-1")).get("content-id", "")
    return Part(content_id, match[1].upper(), match[2], _headers(header_lines), body)


def _without_first_line_end(raw: bytes) -> bytes:
    return raw.removeprefix(b"\r").removeprefix(b"\n")


def _at_blank_line(block: bytes) -> tuple[bytes, bytes]:
    match = _BLANK_LINE.search(block)
    return (block, b"") if match is None else (block[: match.start()], block[match.end() :])


def _headers(block: str) -> dict[str, str]:
    """Read header lines, folded ones unfolded: a mail library breaks a long Content-ID after its ` +`."""
    headers = {}
    for line in _FOLD.sub(" ", block).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = _CONTROL.sub("", value).strip()
    return headers


# --- together ------------------------------------------------------------------------------------


def _answer(content_id: str, status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = ["Content-Type: application/http"]
    if content_id:
        lines.append(f"Content-ID: {_response_id(content_id)}")
    lines += ["", f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + body


def _response_id(content_id: str) -> str:
    if content_id.startswith("<"):
        return f"<response-{content_id[1:]}"
    return f"response-{content_id}"
