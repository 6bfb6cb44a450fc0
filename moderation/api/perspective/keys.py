"""Opens Perspective's endpoints by the site's API keys, and says in Google's words why one does not."""

from __future__ import annotations

from moderation.api_keys import origins
from moderation.api_keys.authentication import authenticate
from moderation.api_keys.quota import charge
from moderation.api_keys.refusals import KeyRefused, QuotaExceeded, Reason
from moderation.conf import conf
from moderation.models import ApiKey
from toxicity_ml.perspective.errors import (
    Metric,
    WireError,
    bad_api_key,
    method_blocked,
    missing_api_key,
    origin_blocked,
    quota_exceeded,
)
from toxicity_ml.perspective.service import Scope

METHODS = {"analyze": "AnalyzeComment", "suggest": "SuggestCommentScore"}
"""Google's name of what a scope opens."""


class SiteKeys:
    """The service's Keys. A caller is an ApiKey, or None where the site asks for no key."""

    def admit(self, key: str | None, scope: Scope | None, origin: str | None) -> ApiKey | None:
        """Return the key's row. Raises the WireError of a missing, bad or unfit key.

        A suggestion is stored, so it wants a key on every site.
        """
        if key is None and scope != "suggest" and not conf.PERSPECTIVE_KEY_REQUIRED:
            return None
        try:
            return authenticate(key, scope, origins.of_page(origin) if origin else None)
        except KeyRefused as refused:
            raise _in_googles_words(refused.reason, scope, origin) from refused

    def charge(self, caller: ApiKey | None, metric: Metric) -> None:
        """Count one request. Raises the WireError of an exhausted quota."""
        if caller is None:
            return
        try:
            charge(caller)
        except QuotaExceeded as exceeded:
            raise quota_exceeded(
                metric,
                limit=exceeded.quota,
                consumer=f"projects/{caller.pk}",
                retry_after=exceeded.retry_after,
            ) from exceeded


def _in_googles_words(reason: Reason, scope: Scope | None, origin: str | None) -> WireError:
    if reason is Reason.MISSING:
        return missing_api_key()
    if reason is Reason.SCOPE:
        return method_blocked(METHODS[scope or "analyze"])
    if reason is Reason.ORIGIN:
        return origin_blocked(origin or "")
    return bad_api_key()
