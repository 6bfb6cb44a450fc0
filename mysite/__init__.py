"""The demo site: articles with comments that `moderation` screens."""

from mysite.celery import app as celery_app

__all__ = ["celery_app"]
