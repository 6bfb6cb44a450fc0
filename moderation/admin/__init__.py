"""The app's part of Django's admin: the queue, and what was recorded."""

from moderation.admin.contradictions import ContradictionAdmin
from moderation.admin.dashboard.dashboard_admin import DashboardAdmin
from moderation.admin.keys import ApiKeyAdmin
from moderation.admin.queue.screening_admin import ScreeningAdmin
from moderation.admin.records import (
    AuditEntryAdmin,
    ReviewAdmin,
    ScreeningRunAdmin,
    TrainingRunAdmin,
)
from moderation.admin.shadow_trials import ShadowTrialAdmin
from moderation.admin.thresholds.policy_admin import PolicyAdmin
from moderation.admin.versions.version_admin import ModelVersionAdmin
from moderation.admin.webhooks import WebhookAdmin, WebhookDeliveryAdmin

__all__ = [
    "ApiKeyAdmin",
    "AuditEntryAdmin",
    "ContradictionAdmin",
    "DashboardAdmin",
    "ModelVersionAdmin",
    "PolicyAdmin",
    "ReviewAdmin",
    "ScreeningAdmin",
    "ScreeningRunAdmin",
    "ShadowTrialAdmin",
    "TrainingRunAdmin",
    "WebhookAdmin",
    "WebhookDeliveryAdmin",
]
