"""Self-hosted comment moderation for Django: score every saved comment, queue what a person should judge.

`from moderation import moderated` registers one's own model; everything else is in the `MODERATION` setting.
"""

from moderation.registry import moderated

__all__ = ["moderated"]
