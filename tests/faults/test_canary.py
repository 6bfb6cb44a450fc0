"""The search for texts where none may be finds them: in each place, and in each form that it knows."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import redis
from django.core.mail import EmailMultiAlternatives

from moderation.models import AuditEntry, Screening
from tests.faults import canary
from tests.forum.models import Post
from tests.servers import RedisServer

BIRD = "kestrel0123456789"


@pytest.mark.django_db
def test_it_finds_a_text_in_any_table_but_not_where_it_belongs() -> None:
    Post.objects.create(body=BIRD)
    assert Screening.objects.get().text == BIRD
    assert canary.in_tables(BIRD) == []
    AuditEntry.objects.create(action="a", target_type="screening", after={"quoted": [f"say {BIRD}"]})
    Screening.objects.update(error_code=f"Bad row: {BIRD}")
    assert canary.in_tables(BIRD) == ["moderation_auditentry.after", "moderation_screening.error_code"]


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_it_finds_a_text_in_what_celery_sends(redis_server: RedisServer, before: str) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        assert canary.in_redis(BIRD, redis_server.url) == []
        body = base64.b64encode(f"{before}{BIRD} and more".encode()).decode()
        client.lpush("queue", json.dumps({"body": body}))
        client.set(f"key-{BIRD}", "1")
        client.hset("unacked", "tag", json.dumps([BIRD]))
        client.zadd("scores", {BIRD: 1.0})
        client.set("counter", "7")
        found = canary.in_redis(BIRD, redis_server.url)
        client.flushall()
    assert sorted(found) == [f"key-{BIRD}", "queue", "scores", "unacked"]


def test_it_finds_a_text_in_a_mail_however_it_is_encoded(tmp_path: Path) -> None:
    clean = EmailMultiAlternatives("Fine", "Nothing here", to=["a@example.org"])
    html = EmailMultiAlternatives("In HTML", "Nothing here", to=["a@example.org"])
    html.attach_alternative(f"<p>{'ü' * 990}{BIRD}</p>", "text/html")
    subject = EmailMultiAlternatives(f"Error: ü {BIRD}", "Nothing here", to=["a@example.org"])
    assert canary.in_mails(BIRD, [clean, html, subject]) == ["In HTML", f"Error: ü {BIRD}"]
    (tmp_path / "one.log").write_bytes(clean.message().as_bytes() + b"\n" + b"-" * 79 + b"\n")
    (tmp_path / "two.log").write_bytes(html.message().as_bytes() + b"\n" + b"-" * 79 + b"\n")
    assert canary.in_mail_files(BIRD, tmp_path) == ["two.log"]


def test_it_finds_a_text_in_a_log(tmp_path: Path) -> None:
    (tmp_path / "clean.log").write_bytes(b"\xff nothing")
    (tmp_path / "worker.log").write_text(f"ERROR: {BIRD.upper()}")
    assert canary.in_files(BIRD, sorted(tmp_path.glob("*.log"))) == ["worker.log"]
