"""Perspective's addresses, for a prefix such as `perspective/` or the root of a host of its own."""

from django.urls import re_path

from moderation.api.perspective.views import perspective

app_name = "moderation_perspective"

urlpatterns = [
    re_path(
        r"^(?P<path>v1alpha1/comments:(?:analyze|suggestscore)|\$discovery/rest|batch)$",
        perspective,
        name="perspective",
    ),
]
