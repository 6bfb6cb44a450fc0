"""gunicorn in front of mysite.wsgi: `gunicorn --config deploy/gunicorn.conf.py mysite.wsgi`.

WEB_CONCURRENCY: processes (2). WEB_THREADS: threads of each (4). The rest is on the command line.
"""

import glob
import os
from typing import Any

from mysite.logs import logging_setting

bind = "127.0.0.1:8000"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS") or 4)
timeout = 30
graceful_timeout = 30
# A process that says it is alive by touching a file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
# Nobody steers it but its supervisor, by signals; the socket would want a home folder that can be written.
control_socket_disable = True

# The same lines, from the same formatter, as the site's own; the proxy in front keeps the access log.
logconfig_dict: dict[str, Any] = logging_setting(
    os.environ.get("LOG_FORMAT") or "plain", os.environ.get("LOG_LEVEL") or "INFO"
)
logconfig_dict["loggers"] |= {
    "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
    "gunicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
}


def on_starting(server: object) -> None:
    """Counts begin anew with the server; the files of its processes stay as long as it runs."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for left in glob.glob(os.path.join(folder, "*.db")) if folder else ():
        os.remove(left)
