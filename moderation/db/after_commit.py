"""Running something after the commit of the transaction at hand, also where the site manages it by hand."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction


def after_commit(work: Callable[[], object], using: str, *, is_repeatable: bool = True) -> None:
    """Call `work` once what was written through `using` so far is committed; at once outside a transaction.

    After `set_autocommit(False)` Django takes no such call: it is then kept with those of Django's own
    transactions, and runs when the site, having committed, goes back to autocommit. is_repeatable: False
    where one call does for all; a connection that never goes back does not gather them then. What `work`
    raises is logged by Django and goes no further.
    """
    connection = transaction.get_connection(using)
    if connection.in_atomic_block or connection.get_autocommit():
        transaction.on_commit(work, using=using, robust=True)
    elif is_repeatable or not any(work == kept for _, kept, _ in connection.run_on_commit):
        with transaction.atomic(using=using):
            transaction.on_commit(work, using=using, robust=True)
