"""Mistakes in the option `text` are found at start-up."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps

from moderation.checks.configuration import check_models
from moderation.checks.texts import check_text
from tests.forum.models import Post

pytestmark = pytest.mark.regression("D7")


class Encrypted(models.Field):  # type: ignore[type-arg]
    """A text by its own account, of no class of Django's."""

    def get_internal_type(self) -> str:
        return "TextField"


@isolate_apps("tests.forum")
def found(text: object) -> list[str]:
    """The ids of what is said of a model with columns of every kind."""

    class Odd(models.Model):
        title = models.CharField(max_length=100)
        address = models.URLField()
        body = models.TextField()
        secret = Encrypted()
        whole = models.GeneratedField(
            expression=models.F("title"), output_field=models.TextField(), db_persist=True
        )
        written = models.DateTimeField()
        writer = models.ForeignKey(Post, models.CASCADE)
        readers = models.ManyToManyField(Post, related_name="+")
        number = models.UUIDField()
        is_long = models.BooleanField()
        data = models.JSONField()
        upload = models.FileField()
        a_name_that_is_longer_than_most_but_that_a_database_takes = models.TextField()
        another_name_that_is_longer_than_most_but_that_a_database_takes = models.TextField()

        class Meta:
            app_label = "forum"

    return [str(message.id) for message in check_text("Odd", Odd, text)]


@pytest.mark.parametrize(
    "text", ["title", "address", "body", "secret", ["title", "body"], ("body",), "module.callable", len]
)
def test_text_columns_alone_or_together_and_callables_are_in_order(text: object) -> None:
    assert found(text) == []


@pytest.mark.parametrize("kind", ["whole", "written", "writer", "number", "is_long", "data", "upload", "id"])
def test_a_column_that_holds_no_text_or_changes_unseen_is_an_error(kind: str) -> None:
    assert found(kind) == found(["body", kind]) == ["moderation.E030"]


@pytest.mark.parametrize(
    "text",
    [
        *("nothing", "readers", "", None, 7, [], ["title", None], ["title", "title"], {"title": "body"}),
        [f"{one}_name_that_is_longer_than_most_but_that_a_database_takes" for one in ("a", "another")],
    ],
)
def test_what_names_no_column_or_names_too_much_is_an_error(text: object) -> None:
    assert found(text) == ["moderation.E008"]


def test_a_misspelt_part_is_named_with_the_right_one(settings: Any) -> None:
    settings.MODERATION = {"MODELS": {"forum.Article": {"text": ["titel", "body"]}}}
    (message,) = (message for message in check_models() if "forum.Article" in message.msg)
    assert 'Did you mean "title"?' in message.msg


@pytest.mark.parametrize("path", ["tests.forum.rules.nothing", "no.such", "tests.forum.rules.__doc__"])
def test_a_callable_that_does_not_exist_is_an_error(settings: Any, path: str) -> None:
    settings.MODERATION = {"MODELS": {"forum.Note": {"text": path}}}
    assert "moderation.E015" in [message.id for message in check_models()]
