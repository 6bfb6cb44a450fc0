"""A comment that could not be saved is in nobody's mailbox."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import DataError
from django.db.models.signals import post_save
from django.test import Client
from django.utils.log import AdminEmailHandler
from django_comments.models import Comment

from mysite.articles.models import Article
from mysite.demo.posting import CommentFormParser
from mysite.error_mails import TextFreeAdminEmailHandler

SECRET = "what somebody wrote"


@pytest.fixture
def mailing(settings: Any) -> Iterator[Callable[[logging.Handler], None]]:
    """Hand it the handler that is to mail what the site logs during this test."""
    settings.ADMINS = [("Operator", "operator@example.org")]
    handlers: list[logging.Handler] = []

    def mail_through(handler: logging.Handler) -> None:
        handlers.append(handler)
        logging.getLogger("django.request").addHandler(handler)

    yield mail_through
    for handler in handlers:
        logging.getLogger("django.request").removeHandler(handler)


@pytest.mark.django_db
@pytest.mark.urls("mysite.urls")
@pytest.mark.parametrize("error_type", [DataError, ValueError])
def test_a_comment_that_could_not_be_posted_is_in_djangos_error_mail_and_not_in_ours(
    mailing: Callable[[logging.Handler], None], mailoutbox: list[EmailMessage], error_type: type[Exception]
) -> None:
    def fail(instance: Comment, **_: object) -> None:
        raise error_type(f"cannot take: {instance.comment}")

    article = Article.objects.create(slug="a-test", title="A", standfirst="S", byline="B", body="One.")
    client = Client(raise_request_exception=False)
    parser = CommentFormParser()
    parser.feed(client.get(article.get_absolute_url()).content.decode())
    mailing(AdminEmailHandler())
    mailing(TextFreeAdminEmailHandler())
    post_save.connect(fail, sender=Comment)
    try:
        page = client.post("/comments/post/", parser.values | {"comment": SECRET})
    finally:
        post_save.disconnect(fail, sender=Comment)
    assert page.status_code == 500
    djangos, ours = mailoutbox
    assert SECRET in djangos.body
    assert SECRET not in ours.subject + ours.body
    assert error_type.__name__ in ours.body
    assert "/comments/post/" in ours.subject


def test_a_mail_about_no_exception_is_the_log_line(settings: Any, mailoutbox: list[EmailMessage]) -> None:
    settings.ADMINS = [("Operator", "operator@example.org")]
    record = logging.LogRecord("moderation", logging.ERROR, __file__, 1, "%d failed", (3,), None)
    TextFreeAdminEmailHandler().emit(record)
    assert mailoutbox[0].body == "ERROR moderation: 3 failed"
