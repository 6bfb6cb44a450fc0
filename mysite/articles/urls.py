"""Addresses of the public pages."""

from django.urls import path

from mysite.articles import views

urlpatterns = [
    path("favicon.ico", views.favicon),
    path("", views.article_list, name="article-list"),
    path("articles/<slug:slug>/", views.article, name="article"),
    # Before django-contrib-comments' own address of the same name, which it then never reaches.
    path("comments/post/", views.post_comment, name="post-comment"),
]
