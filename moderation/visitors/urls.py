"""Addresses of the visitors' pages: path("moderation/", include("moderation.visitors.urls"))."""

from django.urls import path

from moderation.visitors import views

app_name = "moderation_visitors"

urlpatterns = [
    path("report/<str:token>/", views.report, name="report"),
    path("second-look/<str:token>/", views.second_look, name="second-look"),
]
