#!/usr/bin/env python3
"""Django's command line for the demo site."""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036  (whoever has an older one should hear it)
    sys.exit(f"This needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.")


def main() -> None:
    """Run one management command; `demo` brings its own settings, so that it needs none from you."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
    if sys.argv[1:2] == ["demo"]:
        from mysite.demo.environment import prepare

        prepare(sys.argv[2:])

    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed for this Python. Activate the virtual environment, or run `make demo`."
        ) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
