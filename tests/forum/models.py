"""Moderated in every way that the documentation allows."""

from __future__ import annotations

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
