"""Address of the script's question: path("moderation/", include("moderation.nudging.urls"))."""

from django.urls import path

from moderation.nudging.views import nudge

app_name = "moderation_nudging"

urlpatterns = [path("nudge/", nudge, name="nudge")]
