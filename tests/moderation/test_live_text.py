"""What is screened of an object: one column, several together, or what a callable makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test import Client

from moderation.models import Discovery, ModelVersion, Screening
from moderation.objects.live_text import LiveText
from moderation.review.decisions import decide
from moderation.screening import receivers
from moderation.worker.sweep import sweep
from tests.forum.models import Article, LoudPoem, Note, Poem
from tests.moderation.conftest import load_by_words, screen

pytestmark = [pytest.mark.django_db, pytest.mark.regression("D7")]


def texts() -> list[str]:
    return list(Screening.objects.order_by("id").values_list("text", flat=True))


def current() -> Screening:
    return Screening.objects.get(is_current=True)


def compare() -> None:
    """The daily comparison, until it is through."""
    Discovery.objects.update(compared=None)
    for _ in range(3):
        sweep(load=load_by_words)


@pytest.mark.parametrize(("title", "body"), [("I kill you", "nice"), ("nice", "I kill you")])
def test_every_column_is_screened(version: ModelVersion, title: str, body: str) -> None:
    Article.objects.create(title=title, body=body)
    screen()
    assert (current().verdict, current().field) == ("held", "title+body")
    assert Article.objects.get().is_public is False


def test_the_parts_stand_apart_for_a_reader() -> None:
    Article.objects.create(title="a title", body="a paragraph\n\nanother")
    assert texts() == ["a title\n\n\na paragraph\n\nanother"]


@pytest.mark.parametrize("blank_lines", ["\n\n\n", "\r\n\r\n\r\n", "\n \n\t\n  \n"])
def test_no_part_can_pass_for_two(blank_lines: str) -> None:
    Article.objects.create(title="a", body=f"b{blank_lines}c")
    assert texts()[0].split("\n\n\n") == ["a", "b\n\nc"]


@pytest.mark.parametrize(("title", "body"), [("", None), ("", ""), ("\n", "")])
def test_no_text_in_any_part_is_an_empty_text(title: str, body: str | None) -> None:
    Article.objects.create(title=title, body=body)
    assert texts() == [""]


def test_one_column_alone_is_kept_to_the_letter(settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "MODELS": {"forum.Article": {"text": ["body"]}}}
    Article.objects.create(title="a", body="b\n\n\n\nc\n")
    assert (texts(), current().field) == (["b\n\n\n\nc\n"], "body")


def test_a_word_that_moves_from_one_part_to_another_is_an_edit() -> None:
    article = Article.objects.create(title="hello", body="")
    article.title, article.body = "", "hello"
    article.save()
    assert len(texts()) == 2


@pytest.mark.parametrize("column", ["title", "body"])
def test_a_save_of_any_part_is_a_save_of_the_text(column: str) -> None:
    article = Article.objects.create(title="one", body="one")
    setattr(article, column, "two")
    article.save(update_fields=[column])
    assert sorted(current().text.split("\n\n\n")) == ["one", "two"]


def test_a_part_that_was_changed_and_not_saved_is_not_screened() -> None:
    article = Article.objects.create(title="one", body="one")
    article.title, article.body = "two", "never saved"
    article.save(update_fields=["title"])
    assert current().text == "two\n\n\none"


def test_a_part_that_was_not_loaded_is_read() -> None:
    Article.objects.create(title="one", body="I kill you")
    article = Article.objects.only("title").get()
    article.title = "two"
    article.save()
    assert current().text == "two\n\n\nI kill you"


def test_a_part_that_was_saved_as_an_expression_is_read_back() -> None:
    article = Article.objects.create(title="one", body="one")
    article.body = Concat(F("title"), Value(" and more"))
    article.save()
    assert current().text == "one\n\n\none and more"


def test_an_unchanged_text_is_not_screened_again(version: ModelVersion) -> None:
    article = Article.objects.create(title="hello", body="there")
    poem = Poem.objects.create(heading="hello", verses=["there"])
    screen()
    for instance in (article, poem, Article.objects.defer("body").get(), Poem.objects.only("views").get()):
        instance.views += 1
        instance.save()
        instance.save(update_fields=["views"])
    compare()
    assert len(texts()) == 2


def test_an_edit_behind_the_orm_is_found_in_every_part(version: ModelVersion) -> None:
    Article.objects.create(title="hello", body="there")
    screen()
    Article.objects.update(title="I kill you")
    compare()
    assert Article.objects.get().is_public is False


def test_what_was_edited_while_it_was_scored_is_not_hidden_for_its_old_text(version: ModelVersion) -> None:
    Article.objects.create(title="I kill you", body="there")
    Article.objects.update(title="hello")
    screen()
    assert Article.objects.get().is_public is True
    assert (current().text, current().verdict) == ("hello\n\n\nthere", "clear")


def test_what_a_callable_makes_of_an_object_is_screened(version: ModelVersion) -> None:
    Poem.objects.create(heading="to a friend", verses=["I kill", "time"])
    screen()
    assert (current().text, current().field) == ("to a friend\nI kill\ntime", "whole_poem")
    assert Poem.objects.get().is_public is False


def test_a_callable_itself_may_be_registered(settings: Any) -> None:
    option = {"text": lambda note: note.text.upper()}
    settings.MODERATION = {**settings.MODERATION, "MODELS": {"forum.Note": option}}
    Note.objects.create(text="hello")
    assert (current().text, current().field) == ("HELLO", "callable")


@pytest.mark.parametrize("fields", [["verses"], None])
def test_an_edit_of_what_a_callable_reads_is_seen(fields: list[str] | None) -> None:
    poem = Poem.objects.create(heading="one", verses=["one"])
    poem.verses = ["two"]
    poem.save(update_fields=fields)
    assert current().text == "one\ntwo"


def test_a_callable_gets_what_was_saved_and_not_what_was_changed_meanwhile() -> None:
    poem = Poem.objects.create(heading="one", verses=["one"])
    poem.verses, poem.heading = ["two"], "never saved"
    poem.save(update_fields=["verses"])
    assert current().text == "one\ntwo"


def test_a_callable_gets_the_registered_model_whichever_proxy_was_saved(version: ModelVersion) -> None:
    LoudPoem.objects.create(heading="hello", verses=["there"])
    screen()
    compare()
    assert texts() == ["hello\nthere"]


def test_a_callable_that_raises_breaks_no_save_and_no_other_object(
    version: ModelVersion, caplog: pytest.LogCaptureFixture
) -> None:
    losses = receivers.losses()
    Poem.objects.create(heading="a secret", verses=["✗"])
    Poem.objects.create(heading="I kill you", verses=[])
    assert receivers.losses() == losses + 1
    screen()
    compare()
    assert list(Poem.objects.order_by("id").values_list("is_public", flat=True)) == [True, False]
    assert "secret" not in caplog.text


def test_the_queue_shows_the_parts_apart(version: ModelVersion, admin_client: Client) -> None:
    Article.objects.create(title="you idiot", body="have a nice day")
    screen()
    page = admin_client.get("/admin/moderation/screening/").content.decode()
    assert "you idiot\n\n\nhave a nice day" in page


def test_a_decision_shows_an_object_of_several_columns(version: ModelVersion) -> None:
    Article.objects.create(title="I kill", body="time")
    screen()
    assert Article.objects.get().is_public is False
    decide(current().pk, reviewer=get_user_model().objects.create_user("mia"), kind="false_positive")
    assert Article.objects.get().is_public is True


@pytest.mark.parametrize("given", [None, 7, "", [], ["title", ""], ["title", 7], {"title": "body"}])
def test_what_is_no_text(given: object) -> None:
    with pytest.raises(TypeError):
        LiveText.parse(given)
