"""No API key gets into a log or an error mail, whatever goes wrong with its request."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.test import Client
from django.utils.log import AdminEmailHandler

from moderation.api import views
from moderation.api_keys import making
from moderation.audit import Actor
from moderation.checks.installation import check_middleware
from moderation.models import ApiKey
from mysite.demo.environment import BASE_DIR, free_port
from mysite.error_mails import TextFreeAdminEmailHandler
from mysite.logs import TextFreeFormatter, TextFreeJsonFormatter

CLASSIFY = "/api/moderation/classify/"
HIDDEN = "mod_" + "k" * 43


@pytest.fixture
def mailing(settings: Any) -> Iterator[None]:
    """What `django.request` logs is mailed, by Django's handler with all it has, and by the site's."""
    settings.ADMINS = [("Operator", "operator@example.org")]
    handlers = [AdminEmailHandler(include_html=True), TextFreeAdminEmailHandler()]
    for handler in handlers:
        logging.getLogger("django.request").addHandler(handler)
    yield
    for handler in handlers:
        logging.getLogger("django.request").removeHandler(handler)


def everything_in(mail: EmailMessage) -> str:
    alternatives = mail.alternatives if isinstance(mail, EmailMultiAlternatives) else []
    return mail.subject + mail.body + "".join(str(content) for content, _ in alternatives)


@pytest.mark.django_db
@pytest.mark.usefixtures("mailing")
@pytest.mark.parametrize("place", ["query", "header", "bearer", "referer"])
def test_a_request_that_fails_tells_no_log_and_no_mail_its_key(
    place: str, mailoutbox: list[EmailMessage], caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key = making.create("a program", ["classify"], quota=None, actor=Actor(None, "ann"))

    def fail(texts: Any, **_: Any) -> Any:
        raise RuntimeError("scoring broke")

    monkeypatch.setattr(views, "classify", fail)
    headers = {
        "query": {},
        "header": {"x-goog-api-key": key},
        "bearer": {"authorization": f"Bearer {key}"},
        "referer": {"x-goog-api-key": key, "referer": f"https://site.example/page?key={key}"},
    }[place]
    path = f"{CLASSIFY}?key={key}&alt=json" if place == "query" else CLASSIFY
    client = Client(raise_request_exception=False)
    caplog.set_level(logging.DEBUG)
    response = client.post(
        path, {"text": "hi"}, content_type="application/json", headers=headers, RAW_URI=path, REQUEST_URI=path
    )
    assert response.status_code == 500
    assert len(mailoutbox) == 2
    assert "scoring broke" in everything_in(mailoutbox[0])
    for told in (*map(everything_in, mailoutbox), caplog.text, response.content.decode()):
        assert key not in told


@pytest.mark.django_db
@pytest.mark.usefixtures("mailing")
def test_an_error_while_the_key_is_looked_up_does_not_tell_it(
    mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key = making.create("a program", ["classify"], quota=None, actor=Actor(None, "ann"))

    def fail(row: ApiKey) -> bool:
        raise RuntimeError("the look-up broke")

    monkeypatch.setattr(ApiKey, "is_expired", property(fail))
    client = Client(raise_request_exception=False)
    assert client.post(f"{CLASSIFY}?key={key}").status_code == 500
    told = everything_in(mailoutbox[0])
    assert "the look-up broke" in told and "identify" in told
    assert key not in told


@contextmanager
def gunicorn(tmp_path: Path, *options: str) -> Iterator[tuple[int, Path]]:
    """The site behind gunicorn: its port, and the file with all that it prints."""
    port, log = free_port(), tmp_path / "log"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "SECRET_KEY": "k",
        "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
        "STATIC_ROOT": str(tmp_path),
        "DEBUG": "1",
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1", *options]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "mysite.wsgi"], cwd=BASE_DIR, env=environment, stdout=output, stderr=output
        )
        try:
            yield port, log
        finally:
            process.terminate()
            process.wait(30)


def status(port: int, path: str, **headers: str) -> int:
    """Of the answer to one request, once the server listens."""
    end = time.monotonic() + 60
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("POST", path, "{}", {"Content-Type": "application/json", **headers})
            return connection.getresponse().status
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.1)
        finally:
            connection.close()


@pytest.mark.parametrize("is_deployed", [True, False], ids=["deployed", "by default"])
def test_gunicorn_logs_no_key(tmp_path: Path, is_deployed: bool) -> None:
    configuration = "deploy/gunicorn.conf.py" if is_deployed else "/dev/null"
    formats = '%(r)s "%(q)s" "%(f)s"'
    with gunicorn(
        tmp_path, "--config", configuration, "--access-logfile", "-", "--access-logformat", formats
    ) as (port, log):
        # The database has no tables: the look-up fails, and its traceback is logged.
        assert status(port, f"{CLASSIFY}?key={HIDDEN}&alt=json") == 500
        assert status(port, f"/no/such/page?alt=json&key={HIDDEN}") == 404
        headers = {"X-Goog-Api-Key": HIDDEN, "Referer": f"http://a/?key={HIDDEN}"}
        assert status(port, CLASSIFY, **headers) == 500
    told = log.read_text()
    assert "OperationalError" in told
    assert HIDDEN not in told
    assert (f'POST {CLASSIFY}?alt=json HTTP/1.1 "alt=json"' in told) is not is_deployed


@pytest.mark.parametrize("formatter", [TextFreeFormatter(), TextFreeJsonFormatter()])
def test_a_logged_address_loses_its_key(formatter: logging.Formatter) -> None:
    """As runserver logs it, whose lines no middleware can change."""
    line = f'"POST /v1alpha1/comments:analyze?access_token={HIDDEN}&alt=json&key={HIDDEN} HTTP/1.1" 200 7'
    record = logging.LogRecord("django.server", logging.INFO, __file__, 1, "%s", (line,), None)
    told = formatter.format(record)
    assert HIDDEN not in told
    assert "alt=json&key=... HTTP/1.1" in told
    assert django_settings.LOGGING["loggers"]["django.server"] == {"handlers": [], "propagate": True}


@pytest.mark.django_db
def test_a_parameter_key_of_the_site_s_own_pages_reaches_them(client: Client) -> None:
    response = client.get("/admin/login/?key=confirmation")
    assert response.wsgi_request.GET["key"] == "confirmation"  # type: ignore[attr-defined]
    assert response["Referrer-Policy"] == "same-origin"


def test_check_warns_where_keys_are_not_hidden_first(settings: Any) -> None:
    assert check_middleware() == []
    first, *others = settings.MIDDLEWARE
    for middleware in (others, [*others, first], []):
        settings.MIDDLEWARE = middleware
        assert [message.id for message in check_middleware()] == ["moderation.W006"]
    settings.ROOT_URLCONF = "moderation.monitoring.urls"
    assert check_middleware() == []
