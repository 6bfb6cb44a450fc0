"""Addresses of a site that answers for Perspective at the root of its host."""

from django.urls import include, path

urlpatterns = [
    path("", include("moderation.api.perspective.urls")),
    path("", include("mysite.urls")),
]
