"""Addresses of the API: path("api/moderation/", include("moderation.api.urls"))."""

from django.urls import path

from moderation.api.views import ClassifyView, SchemaView

app_name = "moderation"

urlpatterns = [
    path("classify/", ClassifyView.as_view(), name="classify"),
    path("schema/", SchemaView.as_view(), name="schema"),
]
