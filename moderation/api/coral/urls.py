"""Coral's address, for a prefix such as `coral/`."""

from django.urls import path

from moderation.api.coral.views import phase

app_name = "moderation_coral"

urlpatterns = [path("phase/", phase, name="phase")]
