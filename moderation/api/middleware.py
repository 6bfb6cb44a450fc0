"""Takes API keys out of requests before anything can log them."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from moderation.api_keys.requests import clean_referer, hide_key, is_ours

PATH = "moderation.api.middleware.HideApiKeys"


class HideApiKeys:
    """Hides the key of a request from all that comes after: list it first in MIDDLEWARE.

    Views still find it by `moderation.api_keys.requests.find_key`. Error pages and mails, log lines with an
    address, and the access logs of gunicorn and uvicorn don't. A parameter `key` of the site's own pages
    stays, unless its value begins as a key does.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        clean_referer(request)
        if not is_ours(request):
            return self.get_response(request)
        hide_key(request)
        response = self.get_response(request)
        # The browser has the address with the key, and must not tell the next site.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
