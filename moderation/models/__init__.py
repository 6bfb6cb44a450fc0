"""Everything the app stores, one module per subject; import the models from here."""

from moderation.models.decisions import AppendOnlyError, AuditEntry, Policy, Review
from moderation.models.screenings import LabelScore, Scoring, Screening
from moderation.models.sweeping import Discovery, Lease
from moderation.models.versions import ModelVersion, TrainingRun

__all__ = [
    "AppendOnlyError",
    "AuditEntry",
    "Discovery",
    "LabelScore",
    "Lease",
    "ModelVersion",
    "Policy",
    "Review",
    "Scoring",
    "Screening",
    "TrainingRun",
]
