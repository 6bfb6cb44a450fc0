"""Who did it, where no user of the site did: the system user behind a command."""

from __future__ import annotations

import getpass
import os


def system_user() -> str:
    """The name of the system user that runs this process, as the audit trail has it: `ann (system)`.

    No user of Django's own can have a name with a space in it. A container may run under a number that has
    no name.
    """
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return f"{name[:200]} (system)"
