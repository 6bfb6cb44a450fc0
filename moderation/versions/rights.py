"""Says who may train, activate, go back to and remove model versions."""

from __future__ import annotations

from typing import Any

MANAGE = "moderation.manage_versions"
"""No group of ours has it: a site gives it to the people who answer for the model."""


def may_manage(user: Any) -> bool:
    """True where the user may change which model version scores, and what there is of the others."""
    return bool(user.has_perm(MANAGE))
