"""What the processes of `test_rescreen` run with: the tests' settings, with chunks of eight texts."""

from tests.settings import *  # noqa: F403
from tests.settings import MODERATION as _MODERATION

MODERATION = {**_MODERATION, "BATCH_SIZE": 2}
