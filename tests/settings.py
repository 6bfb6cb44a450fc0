"""Settings of the test suite: the demo site's, on a database of the tests' own, with a forum of odd models.

TEST_DATABASE=sqlite (the default) or postgresql; see tests/conftest.py. A DATABASE_URL goes before both.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "not-a-secret")
if not os.environ.get("TEST_WORK_DIRECTORY"):  # in the tests' own process, and not in those that they start
    # No test reaches for a model hub, and none depends on the settings of who runs them.
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    for _name in (
        *("LOG_LEVEL", "LOG_FORMAT", "METRICS_PORT", "METRICS_TOKEN", "PROMETHEUS_MULTIPROC_DIR"),
        *("TIME_ZONE", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),
    ):
        os.environ.pop(_name, None)

from mysite.settings import *  # noqa: F403
from mysite.settings import DATABASES, INSTALLED_APPS, MODERATION, STORAGES

_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of its own in it
_ENOUGH = 4 * 2**30


def _make_work_directory() -> str:
    """A folder that is removed at the end, in memory where there is room: nothing waits for a disk there.

    All temporary files lie in it then, unless TMPDIR says where they shall.
    """
    is_in_memory = (
        not os.environ.get("TMPDIR") and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH
    )
    directory = tempfile.mkdtemp(prefix="moderation-tests-", dir=_MEMORY if is_in_memory else None)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    if is_in_memory:
        os.environ["TMPDIR"] = tempfile.tempdir = directory
    return directory


if not os.environ.get("TEST_WORK_DIRECTORY"):
    # Worker processes inherit it: one that is killed must leave nothing behind.
    os.environ["TEST_WORK_DIRECTORY"] = _make_work_directory()
_work = Path(os.environ["TEST_WORK_DIRECTORY"])

INSTALLED_APPS = [*INSTALLED_APPS, "tests.forum", "tests.upgrades"]
MODERATION = {
    **MODERATION,
    "MODEL_DIRECTORY": str(_work / "versions"),
    "MODEL_CACHE": str(_work / "cache"),
    # No clear comment is drawn into the queue by chance; the tests of the audit set their own rate.
    "AUDIT_RATE": 0,
    # No decision is drawn for a second opinion, and no sweep makes figures; their tests set their own.
    "SECOND_OPINION_SHARE": 0,
    "FIGURES_MINUTES": 0,
    # No page loads a model on a thread that outlives its test; the tests of nudging set their own time.
    "NUDGE_MILLISECONDS": 0,
    "TEXT_KEY_SECRET": "the same side in every run",
}
# Pages without the manifest of collected static files, which only a deployed site has.
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if not os.environ.get("DATABASE_URL"):
    if os.environ.get("TEST_DATABASE", "sqlite") == "postgresql":
        # Host and port come from the server that the tests start: see tests/conftest.py.
        DATABASES["default"] = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "ATOMIC_REQUESTS": False,
            "TEST": {"NAME": "test_moderation"},
        }
    else:
        # A file, so that threads and other processes see the same database, in WAL mode as on a real site.
        DATABASES["default"]["NAME"] = str(_work / "db.sqlite3")
        DATABASES["default"]["TEST"] = {"NAME": str(_work / "test.sqlite3")}

# No broker, until a test brings its own.
CELERY_BROKER_URL = MODERATION["REDIS_URL"] = "redis://127.0.0.1:1/0"
