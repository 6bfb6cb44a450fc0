"""Settings of the site that these tests run: the demo's, with the keys of `MODERATION` that a test asks for.

E2E_MODERATION: a JSON object of such keys.
"""

import json
import os

from mysite.settings import *  # noqa: F403 - settings modules are made this way
from mysite.settings import MODERATION as _MODERATION

# No author is nudged but in the tests of that: the others post by one click.
MODERATION = {**_MODERATION, "NUDGE_MILLISECONDS": 0, **json.loads(os.environ.get("E2E_MODERATION") or "{}")}
