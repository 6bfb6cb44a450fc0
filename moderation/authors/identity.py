"""Tells authors apart: an account by its key, somebody without one by the name that the site shows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from moderation.models import Screening


@dataclass(frozen=True)
class Author:
    """Who wrote a text, as its screening names them."""

    key: str = ""
    """Of the account; empty for somebody without one."""
    name: str = ""
    """As the site shows it, or showed it."""

    @classmethod
    def of(cls, screening: Screening) -> Author:
        return cls(screening.author_key, screening.author_name)

    @property
    def identity(self) -> tuple[str, str]:
        """(key, name), without the name of an account, which may change; both empty for nobody known."""
        return (self.key, "" if self.key else self.name)

    @property
    def is_known(self) -> bool:
        """True where texts can be told to be by the same author."""
        return bool(self.key or self.name)

    def texts(self, among: QuerySet[Screening] | None = None) -> QuerySet[Screening]:
        """Select this author's screenings, replaced ones included; none of somebody who is not known."""
        rows = Screening.objects.all() if among is None else among
        if self.key:
            return rows.filter(author_key=self.key)
        return rows.filter(author_key="", author_name=self.name) if self.name else rows.none()
