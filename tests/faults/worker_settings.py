"""What the worker processes of these tests run with: the tests' settings, with short leases and sweeps."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import MODERATION as _MODERATION

CELERY_BROKER_URL = os.environ["REDIS_URL"]
MODERATION = {
    **_MODERATION,
    "REDIS_URL": os.environ["REDIS_URL"],
    "MODEL_DIRECTORY": os.environ["MODEL_DIRECTORY"],
    "LEASE_SECONDS": 4,
    "SWEEP_SECONDS": 1,
}
