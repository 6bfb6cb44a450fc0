"""Settings of the site that the benchmarks run: the demo's, with the keys of `MODERATION` that one asks for.

BENCHMARK_MODERATION: a JSON object of such keys. BENCHMARK_THROTTLES=off: callers of the API aren't counted.
"""

import json
import os

from mysite.settings import *  # noqa: F403
from mysite.settings import MODERATION as _MODERATION
from mysite.settings import REST_FRAMEWORK as _REST_FRAMEWORK
from mysite.settings import STORAGES as _STORAGES

MODERATION = {**_MODERATION, **json.loads(os.environ.get("BENCHMARK_MODERATION") or "{}")}
# Pages without the manifest of collected static files, which only a deployed site has.
STORAGES = {
    **_STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if os.environ.get("BENCHMARK_THROTTLES") == "off":
    REST_FRAMEWORK = {**_REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"moderation_classify": None}}
