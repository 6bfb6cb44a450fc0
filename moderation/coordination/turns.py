"""Lets transactions that read what they are about to replace go one after the other.

Row locks do that where there is a row. Here there may be none yet: a first decision about an author, a first
policy, a training that nobody has asked for.
"""

from __future__ import annotations

from django.db import router, transaction

from moderation.models import Lease

AUTHORS = "turn:authors"
POLICIES = "turn:policies"
TRAININGS = "turn:trainings"


def wait_for_turn(name: str) -> None:
    """Wait until no other transaction has the turn of this name, and keep it until this one ends.

    Call it in a transaction, before anything is read that others may be changing. PostgreSQL locks the row
    of the name; SQLite the database, which an UPDATE does whatever kind of transaction the site has chosen.
    Raises TransactionManagementError outside of a transaction, which would give the turn back at once.
    """
    alias = router.db_for_write(Lease)
    if not transaction.get_connection(alias).in_atomic_block:
        raise transaction.TransactionManagementError("A turn is kept in a transaction alone.")
    row = Lease.objects.using(alias).filter(name=name)
    if not row.update(name=name):
        # of two who are first the second waits here until the row of the other is there
        Lease.objects.using(alias).bulk_create([Lease(name=name)], ignore_conflicts=True)
        row.update(name=name)
