"""A moderator's session with the admin over HTTP, without a browser: logs in and posts its forms."""

import re
from collections.abc import Mapping, Sequence
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, Request, build_opener

from toxicity_ml.labels import JIGSAW_LABELS


class AdminSession:
    """Logged in from the start; every post carries the CSRF token of the page before it."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self.opener: OpenerDirector = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.cookies))
        page = self.get("/admin/login/")
        self.token = _token(page)
        self.post("/admin/login/", {"username": username, "password": password, "next": "/admin/"})
        self.token = _token(self.get("/admin/password_change/"))

    def get(self, path: str) -> str:
        """The page at `path`."""
        return self._open(Request(self.url + path))  # noqa: S310 - always our own server

    def post(self, path: str, fields: Mapping[str, str | Sequence[str]]) -> str:
        """Post a form and return the page that follows."""
        body = urlencode({**fields, "csrfmiddlewaretoken": self.token}, doseq=True).encode()
        headers = {"Referer": self.url + path}
        return self._open(Request(self.url + path, body, headers))  # noqa: S310 - always our own server

    def decide(self, screening_id: int, kind: str, label: str = "") -> None:
        """Decide on one item of the queue with one of its buttons; label: the only one that is ticked."""
        ticked = {"label": label, "shown": JIGSAW_LABELS} if label else {}
        self.post(f"/admin/moderation/screening/{screening_id}/decide/", {"kind": kind, **ticked})

    def _open(self, request: Request) -> str:
        with self.opener.open(request, timeout=60) as response:
            page: str = response.read().decode()
            return page


def _token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None, "The page has no form."
    return found.group(1)
