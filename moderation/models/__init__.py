"""Everything the app stores, one module per subject; import the models from here."""

from moderation.models.authors import AuthorNote, AuthorTrust
from moderation.models.bulk import BulkDecision, BulkItem
from moderation.models.claims import ItemClaim, ItemSkip
from moderation.models.conditions import written_labels
from moderation.models.contradictions import Contradiction
from moderation.models.coordination import Discovery, Lease, WorkerHeartbeat
from moderation.models.decisions import AppendOnlyError, AuditEntry, Policy, Review
from moderation.models.figures import StoredFigures
from moderation.models.keys import ApiKey
from moderation.models.preferences import ModeratorPreferences
from moderation.models.reports import Report, SecondLook
from moderation.models.runs import ScreeningRun
from moderation.models.scorings import LabelScore, Scoring
from moderation.models.screenings import Screening
from moderation.models.second_opinions import SecondOpinionDue
from moderation.models.shadow import ShadowDisagreement, ShadowTrial
from moderation.models.suggestions import Suggestion
from moderation.models.versions import ModelVersion, PerspectiveScale, TrainingRun
from moderation.models.webhooks import Webhook, WebhookDelivery

__all__ = [
    "ApiKey",
    "AppendOnlyError",
    "AuditEntry",
    "AuthorNote",
    "AuthorTrust",
    "BulkDecision",
    "BulkItem",
    "Contradiction",
    "Discovery",
    "ItemClaim",
    "ItemSkip",
    "LabelScore",
    "Lease",
    "ModelVersion",
    "ModeratorPreferences",
    "PerspectiveScale",
    "Policy",
    "Report",
    "Review",
    "Scoring",
    "Screening",
    "ScreeningRun",
    "SecondLook",
    "SecondOpinionDue",
    "ShadowDisagreement",
    "ShadowTrial",
    "StoredFigures",
    "Suggestion",
    "TrainingRun",
    "Webhook",
    "WebhookDelivery",
    "WorkerHeartbeat",
    "written_labels",
]
