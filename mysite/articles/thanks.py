"""Says thank you once a comment is saved, and promises no more than that."""

from typing import Any

from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest
from django_comments.signals import comment_was_posted

THANKS = "Thanks, your comment is saved. A few comments wait for a moderator before they are shown."


@receiver(comment_was_posted)
def say_thanks(request: HttpRequest, **kwargs: Any) -> None:
    """Leave a message for the page that the writer sees next."""
    messages.success(request, THANKS)
