"""How often one user or one address may send a form, by page or API: scopes of REST framework's throttles."""

from __future__ import annotations

from moderation.throttling import CallerThrottle


class ReportThrottle(CallerThrottle):
    """Of readers' reports."""

    scope = "moderation_report"
    default_rate = "20/hour"


class SecondLookThrottle(CallerThrottle):
    """Of authors' requests for a second look."""

    scope = "moderation_second_look"
    default_rate = "10/hour"
