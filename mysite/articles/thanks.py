"""Says thank you once a comment is saved, and keeps in mind in whose browser it was written."""

from typing import Any

from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest
from django_comments.models import Comment
from django_comments.signals import comment_was_posted

from mysite.articles import own_comments

THANKS = (
    "Thanks, your comment is saved. A few comments wait for a moderator before they are shown; "
    "if yours does, this page tells you."
)


@receiver(comment_was_posted)
def say_thanks(request: HttpRequest, comment: Comment, **kwargs: Any) -> None:
    """Leave a message for the page that the writer sees next, where the comment's state will stand, too."""
    own_comments.remember(request, comment)
    messages.success(request, THANKS)
