"""Addresses for those who watch over the site: path("", include("moderation.monitoring.urls"))."""

from django.urls import path

from moderation.monitoring.views import healthz, metrics

app_name = "moderation_monitoring"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
]
