"""Addresses of the API: path("api/moderation/", include("moderation.api.urls"))."""

from django.urls import path

from moderation.api.description import DocsView, SchemaView
from moderation.api.model_versions import ActiveVersionView, VersionsView, VersionView
from moderation.api.policies import PoliciesView
from moderation.api.reviews import ReviewsView, UndoView
from moderation.api.screenings import ScreeningsView, ScreeningView
from moderation.api.stats import StatsView
from moderation.api.views import ClassifyView
from moderation.api.visitors import NoticesView, ReportsView, SecondLooksView

app_name = "moderation"

# An id is any piece of an address: what can be no id is answered 404 by the view, as a problem.
urlpatterns = [
    path("classify/", ClassifyView.as_view(), name="classify"),
    path("screenings/", ScreeningsView.as_view(), name="screenings"),
    path("screenings/<str:id>/", ScreeningView.as_view(), name="screening"),
    path("reviews/", ReviewsView.as_view(), name="reviews"),
    path("reviews/<str:id>/undo/", UndoView.as_view(), name="undo-review"),
    path("reports/", ReportsView.as_view(), name="reports"),
    path("notices/", NoticesView.as_view(), name="notices"),
    path("second-looks/", SecondLooksView.as_view(), name="second-looks"),
    path("policies/", PoliciesView.as_view(), name="policies"),
    path("model-versions/", VersionsView.as_view(), name="model-versions"),
    path("model-versions/active/", ActiveVersionView.as_view(), name="active-model-version"),
    path("model-versions/<str:id>/", VersionView.as_view(), name="model-version"),
    path("stats/", StatsView.as_view(), name="stats"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
]
