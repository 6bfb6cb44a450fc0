"""Keeps ATOMIC_REQUESTS off views that work long.

On SQLite such a transaction is the write lock of the whole site, on PostgreSQL one that stays open.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connections, transaction

View = TypeVar("View", bound=Callable[..., Any])


def without_transaction(view: View) -> View:
    """`view`, for which Django opens no transaction around the request, in whichever database.

    `non_atomic_requests` alone speaks of the default database only.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view
