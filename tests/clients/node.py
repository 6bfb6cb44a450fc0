"""Finds Node.js and the npm packages of the tests, or gets them: `python -m tests.clients.node --install`."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "npm"
LOCK = FOLDER / "package-lock.json"
INSTALLED = FOLDER / "node_modules" / ".installed"
"""Has the digest of the lock file whose packages are there."""
SECONDS = 600


def find() -> str | None:
    """Node's path where the packages of the lock file are there, too; else None."""
    is_installed = INSTALLED.exists() and INSTALLED.read_text() == _digest()
    return shutil.which("node") if is_installed else None


def install() -> str | None:
    """Install the packages, and Node.js from the system's packages where we are root and it is missing."""
    if path := find():
        return path
    if not shutil.which("npm") and os.geteuid() == 0 and shutil.which("apt-get"):
        _try(["apt-get", "update"])
        _try(["apt-get", "install", "--yes", "--no-install-recommends", "nodejs", "npm"])
    if shutil.which("npm") and _try(["npm", "ci"]):
        INSTALLED.write_text(_digest())
    return find()


def is_required() -> bool:
    """True where tests without Node.js fail, as in CI, and are not merely reported as not run."""
    return bool(os.environ.get("CI") or os.environ.get("REQUIRE_BROWSER"))


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _try(command: list[str]) -> bool:
    """Run it in the folder of the packages; True where it ended well."""
    print(f"Node.js clients for the tests; trying: {' '.join(command)}", flush=True)
    try:
        done = subprocess.run(command, cwd=FOLDER, check=False, timeout=SECONDS, stdin=subprocess.DEVNULL)
        return done.returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"That failed ({type(error).__name__}).", flush=True)
        return False


def main() -> int:
    """Print where Node.js is. Without it the tests themselves say so."""
    path = install() if "--install" in sys.argv[1:] else find()
    print(f"Node.js with its clients for the tests: {path or 'NONE'}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
