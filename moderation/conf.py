"""The `MODERATION` setting: every key with its type and default. Nothing else in the app reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings

REFUSE = "refuse"


class Conf:
    """Reads the setting anew at each access, so that `override_settings` works in a site's tests."""

    @property
    def given(self) -> Mapping[str, Any]:
        """The setting as written; empty where it is missing or not a dict (a check says so)."""
        setting = getattr(settings, "MODERATION", {})
        return setting if isinstance(setting, Mapping) else {}

    @property
    def MODELS(self) -> Mapping[str, Any]:
        """{"app_label.Model": options}; see `moderation.registry.Registered` for the options."""
        models = self.given.get("MODELS", {})
        return models if isinstance(models, Mapping) else {}

    @property
    def BROKER(self) -> bool:
        """True where the site has a Celery broker to be told of new comments; False: it screens without."""
        return bool(self.given.get("BROKER", True))

    @property
    def REDIS_URL(self) -> str:
        """Where the notifier keeps its flag; default: the Celery broker, if that is Redis."""
        return str(self.given.get("REDIS_URL") or "")

    @property
    def QUEUE(self) -> str:
        """The Celery queue of the wake-ups."""
        return str(self.given.get("QUEUE", "screening"))

    @property
    def TEXT_KEY_SECRET(self) -> str:
        """Keys the hash that decides on which side of the split a text is.

        The default is a constant and not SECRET_KEY: that one gets rotated, and then the model would be
        tested on texts that it learned. Set it before the first comment and never change it;
        `check --deploy` reminds.
        """
        return str(self.given.get("TEXT_KEY_SECRET", "moderation.text_key"))

    @property
    def HOLD_AT(self) -> float | None:
        """The score from which a comment is held where no policy says more; None: never hold."""
        value = self.given.get("HOLD_AT", 0.9)
        return None if value is None else float(value)

    @property
    def AUDIT_RATE(self) -> float:
        """Share of the clear comments that is drawn for review, 0 to 1."""
        return float(self.given.get("AUDIT_RATE", 0.01))

    @property
    def BLIND_SHARE(self) -> float:
        """Share of the flagged items that is judged without the model's scores, as audit items are."""
        return float(self.given.get("BLIND_SHARE", 0.25))

    @property
    def HIDE_REASONS(self) -> Mapping[str, Any]:
        """{code: label} of the site's own reasons for hiding what is not toxic; None as a label drops one."""
        own = self.given.get("HIDE_REASONS") or {}
        return own if isinstance(own, Mapping) else {}

    @property
    def REPORT_REASONS(self) -> Mapping[str, Any]:
        """{code: label} of the site's own reasons for which readers report; None as a label drops one."""
        own = self.given.get("REPORT_REASONS") or {}
        return own if isinstance(own, Mapping) else {}

    @property
    def REPORTS_TO_HOLD(self) -> int | None:
        """From how many readers' reports on a text is hidden until a person decides; None: never."""
        value = self.given.get("REPORTS_TO_HOLD")
        return None if value is None else int(value)

    @property
    def REPORTS_TO_RETURN(self) -> int | None:
        """How many readers who report what a person has shown bring it back to the queue; None: none do."""
        value = self.given.get("REPORTS_TO_RETURN", 3)
        return None if value is None else int(value)

    @property
    def CLAIM_SECONDS(self) -> float:
        """How many seconds an item stays in a moderator's hands without any activity."""
        return float(self.given.get("CLAIM_SECONDS", 300))

    @property
    def SECOND_OPINION_SHARE(self) -> float:
        """Share of the decided items that another moderator judges once more, without effect; 0: none."""
        return float(self.given.get("SECOND_OPINION_SHARE", 0.05))

    @property
    def FIGURES_MINUTES(self) -> float:
        """How often a worker makes the figures of the dashboard; 0: never."""
        return float(self.given.get("FIGURES_MINUTES", 10))

    @property
    def AUTO_ROLLBACK(self) -> bool:
        """True: a version that decisions show to be worse than the one before is left without a person."""
        return bool(self.given.get("AUTO_ROLLBACK", False))

    @property
    def RETRAIN_AFTER(self) -> int:
        """After how many new decisions the task `moderation.tasks.retrain` trains by itself; 0: never."""
        return int(self.given.get("RETRAIN_AFTER", 200))

    @property
    def AUTHOR_RULES(self) -> Mapping[str, Mapping[str, int]] | str:
        """Which authors are held always or never, by what was decided of them: numbers, or a dotted path.

        Empty: none is. See `moderation.authors.rules`.
        """
        rules = self.given.get("AUTHOR_RULES") or {}
        return rules if isinstance(rules, Mapping | str) else {}

    @property
    def IMPORTED_WEIGHT(self) -> float:
        """What an imported text weighs in a training, where one that was judged here weighs 1; 0: nothing."""
        return float(self.given.get("IMPORTED_WEIGHT", 0.5))

    @property
    def BATCH_SIZE(self) -> int | None:
        """How many texts a worker claims at a time; None: 32 on a CPU, 512 on a GPU."""
        value = self.given.get("BATCH_SIZE")
        return None if value is None else int(value)

    @property
    def LEASE_SECONDS(self) -> float:
        """How many seconds a claim lasts: without a result by then, another worker takes the batch over."""
        return float(self.given.get("LEASE_SECONDS", 120))

    @property
    def SWEEP_SECONDS(self) -> float:
        """How often each worker sweeps."""
        return float(self.given.get("SWEEP_SECONDS", 30))

    @property
    def COMPARE_HOURS(self) -> float:
        """How often live texts are compared with the screened ones."""
        return float(self.given.get("COMPARE_HOURS", 24))

    @property
    def THREADS(self) -> int | None:
        """Texts that a worker process scores at once; None: its share of the cores that it may use."""
        value = self.given.get("THREADS")
        return None if value is None else int(value)

    @property
    def MODEL_STORAGE(self) -> str:
        """Alias in STORAGES for trained model versions; empty: the private folder MODEL_DIRECTORY."""
        return str(self.given.get("MODEL_STORAGE") or "")

    @property
    def MODEL_DIRECTORY(self) -> str:
        """Folder for trained versions without a MODEL_STORAGE, never served; `model_versions` in BASE_DIR."""
        base = getattr(settings, "BASE_DIR", "") or os.curdir
        return str(self.given.get("MODEL_DIRECTORY") or os.path.join(base, "model_versions"))

    @property
    def MODEL_CACHE(self) -> str:
        """Local folder into which versions are fetched from a remote storage; in the user's cache."""
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        return str(self.given.get("MODEL_CACHE") or os.path.join(caches, "moderation-models"))

    @property
    def CLASSIFY_PERMISSION(self) -> str:
        """Dotted path of the REST framework permission class of `classify/`; default: staff only."""
        return str(self.given.get("CLASSIFY_PERMISSION") or "rest_framework.permissions.IsAdminUser")

    @property
    def CLASSIFY_MAX_TEXTS(self) -> int:
        """How many texts one request to `classify/` may bring."""
        return int(self.given.get("CLASSIFY_MAX_TEXTS", 100))

    @property
    def CLASSIFY_MAX_CHARACTERS(self) -> int:
        """How many characters the texts of one request to `classify/` may have together.

        The default takes 6 s of one core at worst (benchmarks/classify_cost.py).
        """
        return int(self.given.get("CLASSIFY_MAX_CHARACTERS", 50_000))

    @property
    def CLASSIFY_MAX_IN_FLIGHT(self) -> int:
        """Requests to `classify/` that one process scores or keeps waiting at a time; others get a 503."""
        return int(self.given.get("CLASSIFY_MAX_IN_FLIGHT", 2))

    @property
    def API_KEY_QUOTA(self) -> int | None:
        """How many requests a minute a new API key without a quota of its own may make; None: any number."""
        value = self.given.get("API_KEY_QUOTA", 60)
        return None if value is None else int(value)

    @property
    def API_TEST_KEY(self) -> bool:
        """Whether the public test key opens the API: it gets fixed answers, and stores and counts nothing."""
        return bool(self.given.get("API_TEST_KEY", False))

    @property
    def PERSPECTIVE_KEY_REQUIRED(self) -> bool:
        """Whether Perspective's endpoints want an API key; False opens them to everybody who reaches them."""
        return bool(self.given.get("PERSPECTIVE_KEY_REQUIRED", True))

    @property
    def PERSPECTIVE_UNKNOWN_ATTRIBUTES(self) -> str:
        """What an attribute without a label brings: "refuse", as Google did, or "drop"."""
        return str(self.given.get("PERSPECTIVE_UNKNOWN_ATTRIBUTES") or REFUSE)

    @property
    def PERSPECTIVE_OTHER_LANGUAGES(self) -> str:
        """What a comment in a language that the model lacks brings: "refuse", as Google did, or "score"."""
        return str(self.given.get("PERSPECTIVE_OTHER_LANGUAGES") or REFUSE)

    @property
    def PERSPECTIVE_HTML(self) -> str:
        """What a comment of the type HTML brings: "refuse", as Google did, or "strip"."""
        return str(self.given.get("PERSPECTIVE_HTML") or REFUSE)

    @property
    def PERSPECTIVE_MAX_BYTES(self) -> int:
        """The longest comment that Perspective's endpoints take, in bytes of UTF-8."""
        return int(self.given.get("PERSPECTIVE_MAX_BYTES", 20_480))

    @property
    def PERSPECTIVE_SCALE(self) -> bool:
        """Whether Perspective's endpoints answer on its scale; False: with the model's own scores."""
        return bool(self.given.get("PERSPECTIVE_SCALE", True))

    @property
    def NUDGE_AT(self) -> float | None:
        """The least score from which an author is told before posting; None: the label's flag threshold."""
        value = self.given.get("NUDGE_AT")
        return None if value is None else float(value)

    @property
    def NUDGE_MILLISECONDS(self) -> float:
        """How long a form waits at most for a look at its text; 0: nobody is told anything."""
        return float(self.given.get("NUDGE_MILLISECONDS", 200))

    @property
    def CORAL_SIGNING_SECRET(self) -> str:
        """By which Coral signs what it asks its external moderation phase; empty: it gets no answer."""
        return str(self.given.get("CORAL_SIGNING_SECRET") or "")

    @property
    def VISIBLE_SCREENINGS(self) -> str:
        """Dotted path of a callable (user, screenings) that returns those the user may see; empty: all."""
        return str(self.given.get("VISIBLE_SCREENINGS") or "")

    @property
    def METRICS_TOKEN(self) -> str:
        """Bearer token that opens the metrics; without one the web's are for staff sessions only."""
        return str(self.given.get("METRICS_TOKEN") or "")

    @property
    def METRICS_PORT(self) -> int | None:
        """Where a worker process serves its metrics over HTTP; None: it serves none."""
        value = self.given.get("METRICS_PORT")
        return None if value is None else int(value)

    @property
    def METRICS_ADDRESS(self) -> str:
        """The address of that port; loopback, as without a token it answers everybody."""
        return str(self.given.get("METRICS_ADDRESS") or "127.0.0.1")

    @property
    def RETENTION_DAYS(self) -> float | None:
        """How many days after their screening copied texts are blanked; None: kept while the object is."""
        value = self.given.get("RETENTION_DAYS")
        return None if value is None else float(value)

    @property
    def WEBHOOK_LOCALHOST(self) -> bool:
        """Whether a webhook may lead to this machine, also by http; for development alone."""
        return bool(self.given.get("WEBHOOK_LOCALHOST", False))

    @property
    def WEBHOOK_RETENTION_DAYS(self) -> float:
        """How many days deliveries stay on record once they were delivered or given up."""
        return float(self.given.get("WEBHOOK_RETENTION_DAYS", 14))

    @property
    def BACKEND(self) -> str:
        """What workers score with: "onnx", "cuda", or "auto", which is cuda where there is a GPU."""
        return str(self.given.get("BACKEND", "auto"))


KEYS = (
    "MODELS",
    "BROKER",
    "REDIS_URL",
    "QUEUE",
    "TEXT_KEY_SECRET",
    "HOLD_AT",
    "AUDIT_RATE",
    "BLIND_SHARE",
    "HIDE_REASONS",
    "REPORT_REASONS",
    "REPORTS_TO_HOLD",
    "REPORTS_TO_RETURN",
    "CLAIM_SECONDS",
    "SECOND_OPINION_SHARE",
    "FIGURES_MINUTES",
    "AUTHOR_RULES",
    "IMPORTED_WEIGHT",
    "RETRAIN_AFTER",
    "AUTO_ROLLBACK",
    "BATCH_SIZE",
    "LEASE_SECONDS",
    "SWEEP_SECONDS",
    "COMPARE_HOURS",
    "THREADS",
    "MODEL_STORAGE",
    "MODEL_DIRECTORY",
    "MODEL_CACHE",
    "CLASSIFY_PERMISSION",
    "CLASSIFY_MAX_TEXTS",
    "CLASSIFY_MAX_CHARACTERS",
    "CLASSIFY_MAX_IN_FLIGHT",
    "API_KEY_QUOTA",
    "API_TEST_KEY",
    "PERSPECTIVE_KEY_REQUIRED",
    "PERSPECTIVE_UNKNOWN_ATTRIBUTES",
    "PERSPECTIVE_OTHER_LANGUAGES",
    "PERSPECTIVE_HTML",
    "PERSPECTIVE_MAX_BYTES",
    "PERSPECTIVE_SCALE",
    "NUDGE_AT",
    "NUDGE_MILLISECONDS",
    "CORAL_SIGNING_SECRET",
    "VISIBLE_SCREENINGS",
    "METRICS_TOKEN",
    "METRICS_PORT",
    "METRICS_ADDRESS",
    "RETENTION_DAYS",
    "WEBHOOK_LOCALHOST",
    "WEBHOOK_RETENTION_DAYS",
    "BACKEND",
)
"""Every key that `MODERATION` may have."""

conf = Conf()
