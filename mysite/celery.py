"""The site's Celery app: `celery -A mysite worker -Q screening` starts a worker."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

app = Celery("mysite")
# Both are lazy: the settings are read when the app is first used, not when this module is imported.
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
