"""Self-hosted comment moderation for Django: score every saved comment, queue what a person should judge.

`from moderation import moderated` registers one's own model, `screen` and `withdraw` tell of objects that no
`save()` told of, `report` notes what a reader reports; everything else is in the `MODERATION` setting.
"""

from typing import TYPE_CHECKING, Any

from moderation.registry import moderated

if TYPE_CHECKING:
    from moderation.screening.on_request import screen, withdraw
    from moderation.screening.reports import report

__all__ = ["moderated", "report", "screen", "withdraw"]


def __getattr__(name: str) -> Any:
    """The names that need the app's models, which are not loaded yet when this package is."""
    if name in ("screen", "withdraw"):
        from moderation.screening import on_request

        return getattr(on_request, name)
    if name == "report":
        from moderation.screening import reports

        return reports.report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
