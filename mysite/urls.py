"""The demo site's addresses: articles and comments, the admin, the moderation API, health and metrics."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("mysite.articles.urls")),
    path("comments/", include("django_comments.urls")),
    path("admin/", admin.site.urls),
    path("api/moderation/", include("moderation.api.urls")),
    path("perspective/", include("moderation.api.perspective.urls")),
    path("api/moderation/", include("moderation.nudging.urls")),
    path("moderation/", include("moderation.visitors.urls")),
    path("", include("moderation.monitoring.urls")),
]
