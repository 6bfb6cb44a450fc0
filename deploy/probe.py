"""Ends with 0 where an address answers 200 within a few seconds, else with 1: `probe.py URL`. No Django."""

import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

SECONDS = 4


def main() -> int:
    """Ask once."""
    url = urlsplit(sys.argv[1])
    connection = HTTPConnection(url.hostname or "", url.port, timeout=SECONDS)
    try:
        connection.request("GET", url.path)
        answer = connection.getresponse()
        print(answer.status, answer.read(500).decode("utf-8", "replace"))
    except (OSError, HTTPException) as error:
        print(type(error).__name__)
        return 1
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
