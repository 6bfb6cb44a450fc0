"""Articles, and the comment form that goes with them (the site's COMMENTS_APP)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mysite.articles.forms import ArticleCommentForm


def get_form() -> type[ArticleCommentForm]:
    """The form class that django-contrib-comments shows and checks."""
    from mysite.articles.forms import ArticleCommentForm  # apps are not loaded when this package is

    return ArticleCommentForm
