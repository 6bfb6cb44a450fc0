"""What the worker processes of these tests run with: the tests' settings, short sweeps, a site's own
receivers, and Django's error e-mails in their most talkative form, so that a text in one would be found.

A lease outlasts any standstill of a loaded machine, so that only who was killed or frozen counts as dead;
`Workers.let_leases_run_out` spares the wait for it.
"""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as _INSTALLED_APPS
from tests.settings import LOGGING as _LOGGING
from tests.settings import MODERATION as _MODERATION

INSTALLED_APPS = [*_INSTALLED_APPS, "tests.faults.apps.ReceivingSite"]
CELERY_BROKER_URL = os.environ["REDIS_URL"]
if _seconds := os.environ.get("VISIBILITY_SECONDS"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": float(_seconds)}
if _seconds := os.environ.get("TASK_SECONDS"):
    CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = float(_seconds), 2 * float(_seconds)
MODERATION = {
    **_MODERATION,
    "REDIS_URL": os.environ["REDIS_URL"],
    "MODEL_DIRECTORY": os.environ["MODEL_DIRECTORY"],
    "LEASE_SECONDS": 60,
    "SWEEP_SECONDS": 0.5,
    **json.loads(os.environ.get("WORKER_MODERATION", "{}")),
}

ADMINS = [("Operator", "operator@example.org")]
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ.get("MAIL_DIRECTORY") or os.path.join(os.environ["TEST_WORK_DIRECTORY"], "mails")
LOGGING = {
    **_LOGGING,
    "handlers": {
        **_LOGGING["handlers"],
        "mail": {"class": "django.utils.log.AdminEmailHandler", "level": "ERROR", "include_html": True},
    },
    "root": {**_LOGGING["root"], "handlers": ["console", "mail"]},
}
