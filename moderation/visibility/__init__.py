"""Visibility of objects: the one rule, hiding and showing by it, and what a person released.

`from moderation.visibility import release` is for the site's own moderation pages.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moderation.visibility.releasing import release

__all__ = ["release"]


def __getattr__(name: str) -> Any:
    """Import `release` when it is asked for: it needs the app's models, which may not be loaded yet."""
    if name == "release":
        from moderation.visibility.releasing import release

        return release
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
