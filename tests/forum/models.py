"""Moderated in every way that the documentation allows."""

from __future__ import annotations

import random
import uuid

from django.conf import settings
from django.db import models

from moderation import moderated


@moderated(text="body", author="author", hide={"field": "is_visible", "hidden": False}, while_pending="hide")
class Post(models.Model):
    """Hidden until there is a verdict."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    body = models.TextField(null=True)
    likes = models.IntegerField(default=0)
    is_visible = models.BooleanField(default=True)


class LongPost(Post):
    """A child: its rows are posts, too."""

    summary = models.TextField(blank=True)


class ShoutedPost(Post):
    """A proxy."""

    class Meta:
        proxy = True


@moderated(
    text="text",
    hide={"field": "state", "hidden": "withheld", "visible": "published"},
    exempt="tests.forum.rules.is_trusted",
)
class Note(models.Model):
    """A key that is no number, visibility by a word, and exempt authors."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    text = models.CharField(max_length=200)
    state = models.CharField(max_length=20, default="published")


@moderated(text="text", hide={"hide": "tests.forum.rules.withdraw", "show": "tests.forum.rules.publish"})
class Letter(models.Model):
    """Hidden and shown by the site's own callables."""

    text = models.TextField()
    is_withdrawn = models.BooleanField(default=False)
    refuses = models.BooleanField(default=False)


@moderated(text=["title", "body"], hide={"field": "is_public", "hidden": False})
class Article(models.Model):
    """Two columns that are screened together."""

    title = models.CharField(max_length=200, blank=True)
    body = models.TextField(null=True)
    views = models.IntegerField(default=0)
    is_public = models.BooleanField(default=True)


@moderated(text="tests.forum.rules.whole_poem", hide={"field": "is_public", "hidden": False})
class Poem(models.Model):
    """What a callable makes of it is screened."""

    heading = models.CharField(max_length=200)
    verses = models.JSONField(default=list)
    views = models.IntegerField(default=0)
    is_public = models.BooleanField(default=True)

    def lines(self) -> list[str]:
        """What is read aloud."""
        return [self.heading, *self.verses]


class LoudPoem(Poem):
    """A proxy that says something else in Python."""

    class Meta:
        proxy = True

    def lines(self) -> list[str]:
        """The same, louder."""
        return [line.upper() for line in super().lines()]


def drawn_key() -> int:
    """A key that tells nothing of before and after."""
    return random.SystemRandom().randrange(-(2**62), 2**62)


@moderated(text="text", hide={"field": "is_public", "hidden": False})
class Ticket(models.Model):
    """A number for a key, which does not grow."""

    id = models.BigIntegerField(primary_key=True, default=drawn_key)
    text = models.TextField()
    is_public = models.BooleanField(default=True)


class SealedText(models.TextField):
    """A column that a site encrypts: what was written under a lost key can't be read."""

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        """Raises ValueError for what is broken."""
        if value is not None and value.startswith("BROKEN"):
            raise ValueError(f"cannot decrypt {value}")
        return value


@moderated(text="body", hide={"field": "is_public", "hidden": False})
class Secret(models.Model):
    """One damaged row of it must not stop anybody else's."""

    body = SealedText()
    is_public = models.BooleanField(default=True)


@moderated(text="tests.forum.rules.whole_riddle", hide={"field": "is_public", "hidden": False})
class Riddle(models.Model):
    """Raises, when it is read, in the way that `trouble` names."""

    words = models.CharField(max_length=200)
    trouble = models.CharField(max_length=20, blank=True)
    teller = models.ForeignKey(Letter, models.DO_NOTHING, null=True, db_constraint=False)
    is_public = models.BooleanField(default=True)

    @property
    def told(self) -> str:
        """The words."""
        if self.trouble == "property":
            raise AttributeError(self.words)
        return self.words


class Thread(models.Model):
    """What replies stand under."""

    title = models.CharField(max_length=300)

    def __str__(self) -> str:
        if self.title == "raises":
            raise RuntimeError(self.title)
        return self.title

    def get_absolute_url(self) -> str:
        """Where the site shows it."""
        if self.title in ("raises", "nowhere"):
            raise RuntimeError(self.title)
        return f"/threads/{self.pk}/"


@moderated(
    text="text",
    author="writer",
    page="thread",
    parent="answers",
    hide={"field": "is_public", "hidden": False},
)
class Reply(models.Model):
    """In a thread, by somebody with an account or without, and in answer to another."""

    thread = models.ForeignKey(Thread, models.DO_NOTHING, null=True, db_constraint=False)
    writer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    guest = models.CharField(max_length=100, blank=True)
    answers = models.ForeignKey("self", models.DO_NOTHING, null=True, db_constraint=False)
    text = models.TextField()
    is_public = models.BooleanField(default=True)

    @property
    def signed(self) -> str:
        """What the site writes above it."""
        if self.guest == "raises":
            raise RuntimeError(self.guest)
        return self.guest or str(self.writer)
