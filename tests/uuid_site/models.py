"""UUIDs on both sides of a comment."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models

from moderation import moderated


class Member(AbstractUser):
    """Who writes and who moderates."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


@moderated(text="body", author="author", hide={"field": "is_public", "hidden": False})
class Remark(models.Model):
    """What is moderated."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    author = models.ForeignKey(Member, models.CASCADE)
    body = models.TextField()
    is_public = models.BooleanField(default=True)
