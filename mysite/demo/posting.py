"""Posts a comment as a browser does: gets the page, fills in its form, sends it with its cookies."""

from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from urllib.parse import urlencode

Attributes = list[tuple[str, str | None]]


class PostingFailed(Exception):
    """The site did not take a comment; says at which step, without the comment."""


def post_comment(host: str, port: int, article: str, name: str, text: str) -> None:
    """Post one comment to the article with that slug, through the form on its page."""
    page_address = f"/articles/{article}/"
    connection = HTTPConnection(host, port, timeout=60)
    try:
        connection.request("GET", page_address)
        response = connection.getresponse()
        form = CommentFormParser()
        form.feed(response.read().decode())
        if response.status != 200 or not form.action:
            raise PostingFailed(f"No comment form at {page_address} (status {response.status}).")

        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": _cookies(response),
            "Referer": f"http://{host}:{port}{page_address}",
        }
        response, page = _send(connection, form, name, text, headers)
        if response.status == 200:
            # The form came back: its writer may be told what the text may be read as, and posts it anyway.
            form = CommentFormParser()
            form.feed(page)
            if form.values.get("post_anyway"):
                response, page = _send(connection, form, name, text, headers)
        if response.status != 302:
            raise PostingFailed(f"The comment form at {page_address} was refused (status {response.status}).")
    finally:
        connection.close()


def _send(
    connection: HTTPConnection, form: "CommentFormParser", name: str, text: str, headers: dict[str, str]
) -> tuple[HTTPResponse, str]:
    """Send the form as filled in; returns the response and the page that came with it."""
    body = urlencode({**form.values, "name": name, "comment": text})
    connection.request("POST", form.action, body, headers)
    response = connection.getresponse()
    return response, response.read().decode()


class CommentFormParser(HTMLParser):
    """Finds the comment form in a page: where it goes and what it holds already."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form" and "comment-form" in given.get("class", "").split():
            self._inside = True
            self.action = given["action"]
        elif self._inside and tag == "input" and "name" in given:
            self.values[given["name"]] = given.get("value", "")
        elif self._inside and tag == "textarea" and "name" in given:
            self.values[given["name"]] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def _cookies(response: HTTPResponse) -> str:
    jar = SimpleCookie()
    for header in response.headers.get_all("Set-Cookie") or []:
        jar.load(header)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())
