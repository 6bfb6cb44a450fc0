"""Who may call: a program by its key's scopes, or a user of the site by Django's permissions."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser
from rest_framework import status
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from moderation.api.authentication import HasScope, key_of
from moderation.api.problems import Refusal
from moderation.models import ApiKey
from moderation.review import rights
from moderation.review.rights import LEAD, REVIEW, VIEW


class Access(BasePermission):
    """Lets in who has one of some scopes, or one of some permissions; a key has no user's permissions."""

    def __init__(self, *permissions: str, scopes: tuple[str, ...] = ()) -> None:
        self.permissions, self.scopes = permissions, scopes
        self.takes_the_test_key = ApiKey.Scope.CLASSIFY in scopes

    def __call__(self) -> Self:
        """Return itself: REST framework calls what `permission_classes` lists."""
        return self

    def has_permission(self, request: Request, view: Any) -> bool:
        """True: the key or the user may. Raises what says why where a key may not."""
        key = key_of(request)
        if key is not None:
            return self._opens(key, request, view)
        user: Any = request.user
        return bool(user.is_active) and any(user.has_perm(permission) for permission in self.permissions)

    def _opens(self, key: ApiKey, request: Request, view: Any) -> bool:
        if key.is_test and not self.takes_the_test_key:
            raise _forbidden("The test key is known to everybody: it opens `classify/` alone.")
        if not self.scopes:
            raise _forbidden("No key is for this; it takes a person who is logged in.")
        scope = next((scope for scope in self.scopes if scope in key.scopes), self.scopes[0])
        return HasScope(scope).has_permission(request, view)


READ_SCREENINGS = Access(*(VIEW, REVIEW, LEAD), scopes=(ApiKey.Scope.READ.value, ApiKey.Scope.REVIEW.value))
DECIDE = Access(REVIEW, scopes=(ApiKey.Scope.REVIEW.value,))
UNDO = Access(*(REVIEW, LEAD), scopes=(ApiKey.Scope.REVIEW.value,))
READ_REVIEWS = Access(
    *("moderation.view_review", REVIEW, LEAD), scopes=(ApiKey.Scope.READ.value, ApiKey.Scope.REVIEW.value)
)
READ_POLICIES = Access("moderation.view_policy", "moderation.add_policy", scopes=(ApiKey.Scope.READ.value,))
CHANGE_POLICIES = Access("moderation.add_policy")
READ_VERSIONS = Access("moderation.view_modelversion", scopes=(ApiKey.Scope.READ.value,))


def viewer_of(request: Request) -> Any:
    """Return for whom VISIBLE_SCREENINGS is asked: the user, or the one for whom the key acts, or None."""
    key = key_of(request)
    return request.user if key is None else key.user


def reviewer_of(request: Request) -> AbstractBaseUser:
    """Return who decides: the user who is logged in, or the one for whom the key acts.

    Raises Refusal, 403, where the key acts for nobody, or for somebody who may not decide any more.
    """
    key = key_of(request)
    if key is None:
        return request.user  # type: ignore[return-value]  # has_perm: never anonymous
    user: Any = key.user
    if user is None:
        raise _forbidden("A key can't review without a user: make one that acts for a person.")
    if not user.is_active or not rights.may_review(user):
        raise _forbidden("The user for whom this key acts may not review.")
    return user  # type: ignore[no-any-return]


def _forbidden(detail: str) -> Refusal:
    return Refusal(detail, "permission_denied", status.HTTP_403_FORBIDDEN)
