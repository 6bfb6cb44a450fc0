"""The public pages: the list of articles, an article with its comments, and posting a comment."""

import django_comments
from django.contrib.sites.models import Site
from django.core.paginator import Paginator
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe
from django_comments.models import Comment
from django_comments.views.comments import CommentPostBadRequest
from django_comments.views.comments import post_comment as post_contrib_comment

from mysite.articles import own_comments
from mysite.articles.models import Article

COMMENTS_PER_PAGE = 50


def public_comments() -> QuerySet[Comment]:
    """The comments that everybody may read: neither hidden by moderation nor removed by the site."""
    comments: QuerySet[Comment] = Comment.objects.filter(
        is_public=True, is_removed=False, site=Site.objects.get_current()
    )
    return comments


@require_safe
def article_list(request: HttpRequest) -> HttpResponse:
    """All articles, newest first, each with the number of its public comments."""
    of_article = (
        public_comments()
        .filter(
            content_type__app_label="articles",
            content_type__model="article",
        )
        .annotate(article_id=Cast("object_pk", IntegerField()))
        .filter(article_id=OuterRef("pk"))
        .order_by()
        .values("article_id")
        .annotate(total=Count("pk"))
        .values("total")
    )
    articles = Article.objects.annotate(comment_total=Coalesce(Subquery(of_article), 0))
    return render(request, "articles/list.html", {"articles": articles})


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """One article, its public comments, newest first, a form, and the reader's own comments in review."""
    shown = get_object_or_404(Article, slug=slug)
    comments = (
        public_comments()
        .filter(
            content_type__app_label="articles",
            content_type__model="article",
            object_pk=str(shown.pk),
        )
        .select_related("user")
        .order_by("-submit_date", "-pk")
    )
    page = Paginator(comments, COMMENTS_PER_PAGE).get_page(request.GET.get("page"))
    form = django_comments.get_form()(shown)
    context = {
        "article": shown,
        "comments": page,
        "form": form,
        "own_comments": own_comments.in_review(request, shown),
    }
    return render(request, "articles/article.html", context)


def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for an icon when a page, such as the admin's, names none."""
    return redirect(static("mysite/icon.svg"))


def post_comment(request: HttpRequest) -> HttpResponse:
    """django-contrib-comments' own view; only its empty page for a refused form gets words."""
    response: HttpResponse = post_contrib_comment(request)
    if isinstance(response, CommentPostBadRequest) and not response.content:
        return render(request, "comments/refused.html", status=400)
    return response
