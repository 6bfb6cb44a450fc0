"""Says who may do what with the queue, and of which objects a user may see the screenings.

Permissions say what somebody may do; the site's own VISIBLE_SCREENINGS says with which objects. Everything
that shows screenings to a person, counts them, or decides on them, takes them through `visible`.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.module_loading import import_string

from moderation.conf import conf
from moderation.models import Review, Screening

REVIEW = "moderation.review_screening"
"""Decide, and take back what one has decided oneself."""
LEAD = "moderation.lead_reviews"
"""Take back what others decided, decide in bulk, see each moderator's figures."""
VIEW = "moderation.view_screening"
"""Look on."""

AnyModel = TypeVar("AnyModel", bound=Model)


def may_review(user: Any) -> bool:
    """True where the user may decide about screenings."""
    return bool(user.has_perm(REVIEW))


def may_lead(user: Any) -> bool:
    """True where the user may correct what others decided."""
    return bool(user.has_perm(LEAD))


def may_correct(user: Any, review: Review) -> bool:
    """True where the user may replace this decision or take it back: it is their own, or they lead."""
    return is_own(user, review) or may_lead(user)


def is_own(user: Any, review: Review) -> bool:
    """True where the user made this review."""
    return user.pk is not None and review.reviewer_id == user.pk


def may_look_on(user: Any) -> bool:
    """True where the user may see the queue, with or without deciding."""
    return any(user.has_perm(permission) for permission in (VIEW, REVIEW, LEAD))


def is_restricted(user: Any) -> bool:
    """True where the site says which screenings the user may see."""
    return user is not None and bool(conf.VISIBLE_SCREENINGS)


def visible(user: Any, screenings: QuerySet[Screening]) -> QuerySet[Screening]:
    """Return those of `screenings` that the site's VISIBLE_SCREENINGS lets the user see; without it, all.

    user: None for a program of the site's own, which sees all. Raises TypeError where the site's callable
    returns something else than screenings.
    """
    if not is_restricted(user):
        return screenings
    chosen = import_string(conf.VISIBLE_SCREENINGS)(user, screenings)
    if not isinstance(chosen, QuerySet) or chosen.model is not Screening:
        raise TypeError("MODERATION['VISIBLE_SCREENINGS'] must return a queryset of screenings.")
    return chosen


def may_see(user: Any, screening_id: int) -> bool:
    """True where there is such a screening and the user may see it."""
    return visible(user, Screening.objects.filter(pk=screening_id)).exists()


def about_visible(user: Any, rows: QuerySet[AnyModel], path: str = "screening") -> QuerySet[AnyModel]:
    """Return those of `rows` whose screening, named by `path`, the user may see; without the setting, all."""
    if not is_restricted(user):
        return rows
    return rows.filter(**{f"{path}__in": visible(user, Screening.objects.order_by()).values("pk")})


def locked(user: Any, screening_id: int) -> Screening:
    """Lock the row of a screening that the user may see, and return it. Raises Screening.DoesNotExist.

    The site's conditions stand in a subquery: PostgreSQL locks no rows of an outer join or a DISTINCT.
    """
    rows = Screening.objects.select_for_update().filter(pk=screening_id)
    if is_restricted(user):
        rows = rows.filter(pk__in=visible(user, Screening.objects.filter(pk=screening_id)).values("pk"))
    return rows.get()
