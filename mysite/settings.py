"""Settings of the demo site, read from the environment; docs/operations.md lists the variables."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from mysite.logs import FORMATS, logging_setting

BASE_DIR = Path(__file__).resolve().parent.parent


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in {"1", "true", "yes", "on"}


def _listed(variable: str, default: str = "") -> list[str]:
    return [part.strip() for part in os.environ.get(variable, default).split(",") if part.strip()]


def _secret_key() -> str:
    if key := os.environ.get("SECRET_KEY"):
        return key
    if DEBUG:
        return secrets.token_urlsafe(50)  # sessions end with the process, which is fine while developing
    raise ImproperlyConfigured("Set the environment variable SECRET_KEY to a long random string, or DEBUG=1.")


def _database() -> dict[str, Any]:
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{quote(str(BASE_DIR / 'db.sqlite3'))}"
    database: dict[str, Any] = dict(dj_database_url.parse(url))
    if database["ENGINE"] == "django.db.backends.sqlite3":
        # Web processes and workers write side by side: WAL lets readers go on, and taking the write lock
        # when a transaction begins makes a second writer wait instead of failing half-way.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        }
    else:
        database["CONN_MAX_AGE"] = 60
        database["CONN_HEALTH_CHECKS"] = True
    return database


def _metrics_port() -> int | None:
    port = os.environ.get("METRICS_PORT")
    if port and not port.isdecimal():
        raise ImproperlyConfigured("METRICS_PORT must be a port number, or empty.")
    return int(port) if port else None


def _log_format() -> str:
    chosen = os.environ.get("LOG_FORMAT") or "plain"
    if chosen not in FORMATS:
        raise ImproperlyConfigured(f"LOG_FORMAT must be one of {', '.join(FORMATS)}.")
    return chosen


DEBUG = _is_on("DEBUG")
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = _listed("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _listed("CSRF_TRUSTED_ORIGINS")
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.sites",
    "django_comments",
    "rest_framework",
    "drf_spectacular",
    "moderation",
    "mysite.articles",
    "mysite.demo",
]

MIDDLEWARE = [
    "moderation.api.middleware.HideApiKeys",
    "django.middleware.security.SecurityMiddleware",
    "mysite.security_headers.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",  # the admin in the language of the browser
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "mysite" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{validator}"}
    for validator in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- comments and their moderation ---------------------------------------------------------------

SITE_ID = 1
COMMENTS_APP = "mysite.articles"

MODERATION: dict[str, Any] = {
    "MODELS": {
        "django_comments.Comment": {
            "text": "comment",
            "author": "user",
            "hide": {"field": "is_public", "hidden": False, "also_hidden": {"is_removed": True}},
            "while_pending": "show",
        },
    },
    "REDIS_URL": REDIS_URL,
    "MODEL_DIRECTORY": os.environ.get("MODEL_DIRECTORY") or str(BASE_DIR / "model_versions"),
    "API_TEST_KEY": _is_on("API_TEST_KEY"),
    "METRICS_TOKEN": os.environ.get("METRICS_TOKEN") or "",
    "METRICS_PORT": _metrics_port(),
    "METRICS_ADDRESS": os.environ.get("METRICS_ADDRESS") or "127.0.0.1",
}

if _text_key_secret := os.environ.get("TEXT_KEY_SECRET"):
    # Decides which texts test a retrained model: set it before the first comment and keep it. A
    # constant in its place would silence the reminder of `check --deploy`.
    MODERATION["TEXT_KEY_SECRET"] = _text_key_secret

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ROUTES = {
    "moderation.tasks.retrain": {"queue": "training"},
    "moderation.tasks.*": {"queue": "screening"},
}
CELERY_BEAT_SCHEDULE = {
    # Looks whether a training was asked for, or enough decisions have come; mostly that takes two queries.
    "retrain": {
        "task": "moderation.tasks.retrain",
        "schedule": 300.0,
        "options": {"queue": "training", "expires": 300},
    },
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # workers log as LOGGING says, without texts
# A prefork child loads the model when it starts; with the default of 4 s it is killed while loading.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

# --- languages, files, security, logs -------------------------------------------------------------

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
TIME_ZONE = os.environ.get("TIME_ZONE") or "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT") or BASE_DIR / "staticfiles")
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT") or BASE_DIR / "media")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
if DEBUG:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if _is_on("HTTPS"):
    # Only behind a proxy that ends TLS and sets this header itself, whatever the client sent.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Those who watch over the site ask within its network, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
    SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 60 * 60 * 24 * 30

LOGGING = logging_setting(_log_format(), os.environ.get("LOG_LEVEL") or "INFO")
