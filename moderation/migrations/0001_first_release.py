"""Makes every table of the app.

A database from before the first release, which has all the migrations that came before this one, gets only
the column that they lack. One that has some of them is refused. See "One migration makes the whole schema" in
docs/decisions.md.
"""

from typing import Any

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.core.management import CommandError
from django.db import migrations, models
from django.db.migrations.recorder import MigrationRecorder

from moderation.db.migration_operations import BesideWriters, patiently

EARLIER = (
    "0001_initial",
    "0002_screening_runs_and_retention",
    "0003_index_for_retention",
    "0004_worker_heartbeat",
    "0005_labels",
    "0006_scale_indexes",
    "0007_superseded_indexes",
    "0008_labels_of_verdicts",
    "0009_hidden_by",
    "0010_hidden_index",
    "0011_places_of_audit_items",
    "0012_actions_and_tries",
)
"""What databases from before the first release have applied: all of them, or the first few."""
MISSING_COLUMN = "retry_at"
"""Of screenings: the one thing that the earlier migrations do not make."""


class CreateOrComplete(BesideWriters):
    """Makes every table, or only the missing column where all earlier migrations have been applied.

    Raises CommandError, with nothing changed, where only some of them have been applied.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Look at which migrations the database has, and run what it lacks."""
        applied = _earlier(app_label, schema_editor)
        if not applied:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        if missing := [name for name in EARLIER if name not in applied]:
            raise CommandError(
                f"This database has {len(applied)} of the {len(EARLIER)} migrations of {app_label} that came "
                f"before 0001_first_release, and lacks {', '.join(missing)}. Nothing was changed. Run `migrate` "
                f'with the code that still has them first: see "Upgrading" in docs/operations.md.'
            )
        screening = to_state.apps.get_model(app_label, "screening")
        if self.allow_migrate_model(schema_editor.connection.alias, screening):
            column = screening._meta.get_field(MISSING_COLUMN)
            patiently(schema_editor, lambda: schema_editor.add_field(screening, column))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop every table, and delete the records of the earlier migrations: nothing that they made is left."""
        super().database_backwards(app_label, schema_editor, from_state, to_state)
        if not schema_editor.collect_sql:
            recorder = MigrationRecorder(schema_editor.connection)
            recorder.migration_qs.filter(app=app_label, name__in=EARLIER).delete()


def _earlier(app_label: str, schema_editor: Any) -> set[str]:
    """The earlier migrations that the database has."""
    applied = MigrationRecorder(schema_editor.connection).applied_migrations()
    return {name for app, name in applied if app == app_label and name in EARLIER}


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateOrComplete(
            migrations.CreateModel(
                name="Lease",
                fields=[
                    ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                    ("token", models.UUIDField(blank=True, null=True)),
                    ("until", models.DateTimeField(blank=True, null=True)),
                    ("holder", models.CharField(blank=True, max_length=255, null=True)),
                ],
                options={
                    "verbose_name": "lease",
                    "verbose_name_plural": "leases",
                },
            ),
            migrations.CreateModel(
                name="WorkerHeartbeat",
                fields=[
                    ("name", models.CharField(max_length=255, primary_key=True, serialize=False)),
                    ("seen", models.DateTimeField()),
                    ("version", models.CharField(blank=True, max_length=255)),
                    ("trouble", models.CharField(blank=True, max_length=64)),
                ],
                options={
                    "verbose_name": "worker heartbeat",
                    "verbose_name_plural": "worker heartbeats",
                },
            ),
            migrations.CreateModel(
                name="Discovery",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("model_label", models.CharField(max_length=200)),
                    ("field", models.CharField(max_length=100)),
                    ("start", models.BigIntegerField(default=0)),
                    ("watermark", models.BigIntegerField(default=0)),
                    ("seen", models.BigIntegerField(default=0)),
                    ("objects_after", models.CharField(blank=True, max_length=255)),
                    ("screenings_after", models.BigIntegerField(default=0)),
                    ("compared", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "verbose_name": "discovery",
                    "verbose_name_plural": "discoveries",
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("model_label", "field"), name="moderation_discovery_unique"
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="ModelVersion",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("name", models.CharField(max_length=100, verbose_name="name")),
                    ("version", models.CharField(max_length=100, verbose_name="version")),
                    ("location", models.CharField(blank=True, max_length=255, verbose_name="location")),
                    ("manifest_sha256", models.CharField(max_length=64, verbose_name="manifest sha256")),
                    ("manifest", models.JSONField(default=dict, verbose_name="manifest")),
                    ("labels", models.JSONField(default=list, verbose_name="labels")),
                    ("thresholds", models.JSONField(default=dict, verbose_name="thresholds")),
                    ("metrics", models.JSONField(blank=True, default=dict, verbose_name="metrics")),
                    ("is_active", models.BooleanField(default=False, verbose_name="is active")),
                    ("activated", models.DateTimeField(blank=True, null=True, verbose_name="activated")),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    (
                        "parent",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="children",
                            to="moderation.modelversion",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "model version",
                    "verbose_name_plural": "model versions",
                    "constraints": [
                        models.UniqueConstraint(fields=("name", "version"), name="moderation_version_unique"),
                        models.UniqueConstraint(
                            condition=models.Q(("is_active", True)),
                            fields=("is_active",),
                            name="moderation_one_active",
                        ),
                    ],
                    "base_manager_name": "objects",
                },
            ),
            migrations.CreateModel(
                name="Policy",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("model_label", models.CharField(blank=True, max_length=200, verbose_name="model")),
                    ("thresholds", models.JSONField(verbose_name="thresholds")),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    (
                        "created_by_name",
                        models.CharField(blank=True, max_length=255, verbose_name="created by"),
                    ),
                    ("note", models.TextField(blank=True, verbose_name="note")),
                    (
                        "created_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "policy",
                    "verbose_name_plural": "policies",
                    "indexes": [models.Index(fields=["model_label", "-id"], name="moderation_policy_newest")],
                },
            ),
            migrations.CreateModel(
                name="Screening",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "source",
                        models.CharField(
                            choices=[
                                ("object", "object"),
                                ("suggestion", "suggestion"),
                                ("import", "import"),
                            ],
                            default="object",
                            max_length=12,
                            verbose_name="source",
                        ),
                    ),
                    ("object_id", models.CharField(blank=True, max_length=255, verbose_name="object id")),
                    ("field", models.CharField(blank=True, max_length=100, verbose_name="field")),
                    ("text", models.TextField(blank=True, verbose_name="text")),
                    ("text_key", models.CharField(blank=True, max_length=64, verbose_name="text key")),
                    ("blanked", models.DateTimeField(blank=True, null=True, verbose_name="blanked")),
                    ("author_key", models.CharField(blank=True, max_length=255, verbose_name="author key")),
                    ("is_current", models.BooleanField(default=True, verbose_name="is current")),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    (
                        "status",
                        models.CharField(
                            choices=[
                                ("pending", "pending"),
                                ("done", "done"),
                                ("failed", "failed"),
                                ("superseded", "superseded"),
                            ],
                            default="pending",
                            max_length=12,
                            verbose_name="status",
                        ),
                    ),
                    (
                        "priority",
                        models.SmallIntegerField(
                            choices=[(0, "low"), (10, "normal")], default=10, verbose_name="priority"
                        ),
                    ),
                    ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                    ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                    ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                    ("deaths", models.PositiveSmallIntegerField(default=0, verbose_name="deaths")),
                    ("error_code", models.CharField(blank=True, max_length=64, verbose_name="error code")),
                    (
                        "verdict",
                        models.CharField(
                            blank=True,
                            choices=[("clear", "clear"), ("flagged", "flagged"), ("held", "held")],
                            max_length=12,
                            verbose_name="verdict",
                        ),
                    ),
                    ("severity", models.FloatField(default=0.0, verbose_name="severity")),
                    (
                        "outcome",
                        models.CharField(
                            blank=True,
                            choices=[("show", "show"), ("hide", "hide")],
                            max_length=12,
                            verbose_name="outcome",
                        ),
                    ),
                    (
                        "queued_for",
                        models.CharField(
                            blank=True,
                            choices=[
                                ("flagged", "flagged"),
                                ("held", "held"),
                                ("audit", "audit"),
                                ("failed", "failed"),
                                ("edited", "edited"),
                            ],
                            max_length=12,
                            verbose_name="queued for",
                        ),
                    ),
                    (
                        "sampling_probability",
                        models.FloatField(blank=True, null=True, verbose_name="sampling probability"),
                    ),
                    ("scored", models.DateTimeField(blank=True, null=True, verbose_name="scored")),
                    ("reviewed", models.DateTimeField(blank=True, null=True, verbose_name="reviewed")),
                    ("action_pending", models.BooleanField(default=False, verbose_name="action pending")),
                    ("hidden_by_us", models.BooleanField(default=False, verbose_name="hidden by us")),
                    (
                        "content_type",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="contenttypes.contenttype",
                            verbose_name="content type",
                        ),
                    ),
                    (
                        "failed_version",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="moderation.modelversion",
                        ),
                    ),
                    ("released", models.DateTimeField(blank=True, null=True, verbose_name="released")),
                    ("text_digest", models.CharField(blank=True, editable=False, max_length=64, null=True)),
                    (
                        "labels",
                        models.TextField(
                            blank=True, db_default="", default="", editable=False, verbose_name="labels"
                        ),
                    ),
                    (
                        "hidden_by",
                        models.TextField(
                            blank=True, db_default="", default="", editable=False, verbose_name="hidden by"
                        ),
                    ),
                    ("action_token", models.UUIDField(blank=True, editable=False, null=True)),
                    ("action_until", models.DateTimeField(blank=True, editable=False, null=True)),
                    (
                        "action_attempts",
                        models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
                    ),
                    (
                        "failed_versions",
                        models.TextField(blank=True, db_default="", default="", editable=False),
                    ),
                    ("retry_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ],
                options={
                    "verbose_name": "screening",
                    "verbose_name_plural": "screenings",
                    "permissions": (("review_screening", "Can review screenings"),),
                    "indexes": [
                        models.Index(
                            models.OrderBy(models.F("priority"), descending=True),
                            models.OrderBy(models.F("created")),
                            models.OrderBy(models.F("id")),
                            condition=models.Q(("is_current", True), ("status", "pending")),
                            name="moderation_claim",
                        ),
                        models.Index(
                            fields=["content_type", "object_id", "field", "id"], name="moderation_by_object"
                        ),
                        models.Index(
                            condition=models.Q(("action_pending", True)),
                            fields=["id"],
                            name="moderation_action_pending",
                        ),
                        models.Index(
                            condition=models.Q(("is_current", True), ("status", "failed")),
                            fields=["id"],
                            name="moderation_failed",
                        ),
                        models.Index(
                            condition=models.Q(
                                ("blanked", None),
                                models.Q(
                                    ("is_current", False),
                                    models.Q(
                                        models.Q(("status", "pending"), _negated=True),
                                        models.Q(
                                            ("queued_for", ""),
                                            models.Q(("outcome", ""), _negated=True),
                                            _connector="OR",
                                        ),
                                    ),
                                    _connector="OR",
                                ),
                            ),
                            fields=["content_type", "created"],
                            name="moderation_to_blank",
                        ),
                        models.Index(
                            condition=models.Q(
                                ("is_current", True),
                                ("outcome", ""),
                                models.Q(("queued_for", ""), _negated=True),
                            ),
                            fields=["-severity", "id", "verdict", "labels"],
                            name="moderation_open",
                        ),
                        models.Index(
                            condition=models.Q(("lease_token__isnull", False)),
                            fields=["lease_token"],
                            name="moderation_leased",
                        ),
                        models.Index(
                            condition=models.Q(
                                ("deaths__gte", 1), ("is_current", True), ("status", "pending")
                            ),
                            fields=["id"],
                            name="moderation_suspects",
                        ),
                        models.Index(
                            condition=models.Q(("outcome", ""), _negated=True),
                            fields=["-reviewed", "-id", "verdict", "labels"],
                            name="moderation_decided",
                        ),
                        models.Index(
                            condition=models.Q(("verdict__in", ["flagged", "held"])),
                            fields=["-id", "verdict", "labels"],
                            name="moderation_counted",
                        ),
                        models.Index(fields=["created"], name="moderation_created"),
                        models.Index(fields=["text_key"], name="moderation_text_key"),
                        models.Index(
                            condition=models.Q(("author_key", ""), _negated=True),
                            fields=["author_key"],
                            name="moderation_by_author",
                        ),
                        models.Index(
                            condition=models.Q(("hidden_by_us", True), ("is_current", True)),
                            fields=["content_type", "hidden_by", "id"],
                            name="moderation_hidden",
                        ),
                    ],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("is_current", True), ("source", "object")),
                            fields=("content_type", "object_id", "field"),
                            name="moderation_one_current",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("source__in", ["object", "suggestion", "import"])),
                            name="moderation_screening_source",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("source", "object"), _negated=True),
                                models.Q(
                                    models.Q(("object_id", ""), _negated=True),
                                    models.Q(("field", ""), _negated=True),
                                ),
                                _connector="OR",
                            ),
                            name="moderation_object_named",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("status__in", ["pending", "done", "failed", "superseded"])),
                            name="moderation_screening_status",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("verdict__in", ["", "clear", "flagged", "held"])),
                            name="moderation_screening_verdict",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("status", "done"), _negated=True),
                                models.Q(("verdict", ""), _negated=True),
                                _connector="OR",
                            ),
                            name="moderation_done_has_verdict",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("outcome__in", ["", "show", "hide"])),
                            name="moderation_screening_outcome",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("queued_for__in", ["", "flagged", "held", "audit", "failed", "edited"])
                            ),
                            name="moderation_queued_for",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("severity__gte", -1), ("severity__lte", 1)),
                            name="moderation_severity_range",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("sampling_probability__isnull", True),
                                models.Q(("sampling_probability__gte", 0), ("sampling_probability__lte", 1)),
                                _connector="OR",
                            ),
                            name="moderation_sampling_range",
                        ),
                    ],
                    "base_manager_name": "objects",
                },
            ),
            migrations.CreateModel(
                name="Scoring",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "purpose",
                        models.CharField(
                            choices=[("live", "live"), ("rescreen", "rescreen"), ("shadow", "shadow")],
                            default="live",
                            max_length=12,
                            verbose_name="purpose",
                        ),
                    ),
                    ("is_basis", models.BooleanField(default=False, verbose_name="is basis")),
                    ("scores", models.JSONField(verbose_name="scores")),
                    ("thresholds", models.JSONField(default=dict, verbose_name="thresholds")),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    (
                        "model_version",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="scorings",
                            to="moderation.modelversion",
                        ),
                    ),
                    (
                        "policy",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="scorings",
                            to="moderation.policy",
                        ),
                    ),
                    (
                        "screening",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="scorings",
                            to="moderation.screening",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "scoring",
                    "verbose_name_plural": "scorings",
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("screening", "model_version", "purpose"), name="moderation_scored_once"
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("is_basis", True)),
                            fields=("screening",),
                            name="moderation_one_basis",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("purpose__in", ["live", "rescreen", "shadow"])),
                            name="moderation_scoring_purpose",
                        ),
                    ],
                    "base_manager_name": "objects",
                },
            ),
            migrations.CreateModel(
                name="LabelScore",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("label", models.CharField(max_length=64, verbose_name="label")),
                    (
                        "score",
                        models.FloatField(
                            validators=[
                                django.core.validators.MinValueValidator(0.0),
                                django.core.validators.MaxValueValidator(1.0),
                            ],
                            verbose_name="score",
                        ),
                    ),
                    (
                        "scoring",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="label_scores",
                            to="moderation.scoring",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "label score",
                    "verbose_name_plural": "label scores",
                    "indexes": [models.Index(fields=["label", "score"], name="moderation_by_label")],
                    "constraints": [
                        models.UniqueConstraint(fields=("scoring", "label"), name="moderation_label_once"),
                        models.CheckConstraint(
                            condition=models.Q(("score__gte", 0), ("score__lte", 1)),
                            name="moderation_score_range",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Review",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("number", models.PositiveIntegerField(verbose_name="number")),
                    (
                        "kind",
                        models.CharField(
                            choices=[
                                ("decision", "decision"),
                                ("undo", "undo"),
                                ("second_opinion", "second opinion"),
                                ("suggestion", "confirmed suggestion"),
                            ],
                            default="decision",
                            max_length=16,
                            verbose_name="kind",
                        ),
                    ),
                    (
                        "decision",
                        models.CharField(
                            blank=True,
                            choices=[
                                ("uphold", "uphold"),
                                ("false_positive", "false positive"),
                                ("relabel", "relabel"),
                            ],
                            max_length=16,
                            verbose_name="decision",
                        ),
                    ),
                    (
                        "outcome",
                        models.CharField(
                            blank=True,
                            choices=[("show", "show"), ("hide", "hide")],
                            max_length=12,
                            verbose_name="outcome",
                        ),
                    ),
                    ("labels", models.JSONField(blank=True, default=dict, verbose_name="labels")),
                    ("reviewer_name", models.CharField(blank=True, max_length=255, verbose_name="reviewer")),
                    ("note", models.TextField(blank=True, verbose_name="note")),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    (
                        "model_version",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="moderation.modelversion",
                        ),
                    ),
                    (
                        "reviewer",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "undoes",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="undone_by",
                            to="moderation.review",
                        ),
                    ),
                    (
                        "screening",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="reviews",
                            to="moderation.screening",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "review",
                    "verbose_name_plural": "reviews",
                    "ordering": ("screening", "number"),
                    "indexes": [models.Index(fields=["created"], name="moderation_review_created")],
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("screening", "number"), name="moderation_review_number"
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("kind", "undo")),
                            fields=("undoes",),
                            name="moderation_undone_once",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("number__gte", 1)), name="moderation_review_number_from_1"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("kind__in", ["decision", "undo", "second_opinion", "suggestion"])
                            ),
                            name="moderation_review_kind",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("decision__in", ["", "uphold", "false_positive", "relabel"])),
                            name="moderation_review_decision",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("outcome__in", ["", "show", "hide"])),
                            name="moderation_review_outcome",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("kind", "decision"), _negated=True),
                                models.Q(
                                    models.Q(("outcome", ""), _negated=True),
                                    models.Q(("decision", ""), _negated=True),
                                ),
                                _connector="OR",
                            ),
                            name="moderation_decision_complete",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("kind", "undo"), ("undoes__isnull", False)),
                                models.Q(models.Q(("kind", "undo"), _negated=True), ("undoes__isnull", True)),
                                _connector="OR",
                            ),
                            name="moderation_undo_names_one",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="ScreeningRun",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[("rescreen", "rescreen"), ("existing", "existing")],
                            max_length=12,
                            verbose_name="kind",
                        ),
                    ),
                    ("model_label", models.CharField(blank=True, max_length=200, verbose_name="model")),
                    ("since", models.DateTimeField(blank=True, null=True, verbose_name="since")),
                    ("position", models.CharField(blank=True, max_length=255, verbose_name="position")),
                    ("last", models.CharField(blank=True, max_length=255, verbose_name="last")),
                    ("total", models.BigIntegerField(default=0, verbose_name="total")),
                    ("passed", models.BigIntegerField(default=0, verbose_name="passed")),
                    ("scored", models.BigIntegerField(default=0, verbose_name="scored")),
                    ("failures", models.JSONField(blank=True, default=dict, verbose_name="failures")),
                    ("changes", models.JSONField(blank=True, default=dict, verbose_name="changes")),
                    (
                        "started_by_name",
                        models.CharField(blank=True, max_length=255, verbose_name="started by"),
                    ),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    ("updated", models.DateTimeField(auto_now=True, verbose_name="updated")),
                    ("finished", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                    (
                        "model_version",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="moderation.modelversion",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "screening run",
                    "verbose_name_plural": "screening runs",
                    "base_manager_name": "objects",
                    "constraints": (
                        models.CheckConstraint(
                            condition=models.Q(("kind__in", ["rescreen", "existing"])),
                            name="moderation_screening_run_kind",
                        ),
                    ),
                },
            ),
            migrations.CreateModel(
                name="TrainingRun",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "status",
                        models.CharField(
                            choices=[
                                ("queued", "queued"),
                                ("running", "running"),
                                ("done", "done"),
                                ("failed", "failed"),
                            ],
                            default="queued",
                            max_length=12,
                            verbose_name="status",
                        ),
                    ),
                    (
                        "result",
                        models.CharField(
                            blank=True,
                            choices=[
                                ("better", "better"),
                                ("not_better", "not better"),
                                ("not_enough_evidence", "not enough evidence"),
                            ],
                            max_length=24,
                            verbose_name="result",
                        ),
                    ),
                    ("options", models.JSONField(blank=True, default=dict, verbose_name="options")),
                    ("counts", models.JSONField(blank=True, default=dict, verbose_name="counts")),
                    ("comparison", models.JSONField(blank=True, default=dict, verbose_name="comparison")),
                    ("error_code", models.CharField(blank=True, max_length=64, verbose_name="error code")),
                    (
                        "started_by_name",
                        models.CharField(blank=True, max_length=255, verbose_name="started by"),
                    ),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    ("started", models.DateTimeField(blank=True, null=True, verbose_name="started")),
                    ("finished", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                    (
                        "candidate",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="runs",
                            to="moderation.modelversion",
                        ),
                    ),
                    (
                        "parent",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="runs_from_here",
                            to="moderation.modelversion",
                        ),
                    ),
                    (
                        "started_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "training run",
                    "verbose_name_plural": "training runs",
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(("status__in", ["queued", "running", "done", "failed"])),
                            name="moderation_run_status",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("result__in", ["", "better", "not_better", "not_enough_evidence"])
                            ),
                            name="moderation_run_result",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="AuditEntry",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "created",
                        models.DateTimeField(auto_now_add=True, db_index=True, verbose_name="created"),
                    ),
                    ("username", models.CharField(blank=True, max_length=255, verbose_name="user")),
                    ("action", models.CharField(db_index=True, max_length=64, verbose_name="action")),
                    ("target_type", models.CharField(max_length=64, verbose_name="target")),
                    ("target_id", models.CharField(blank=True, max_length=64, verbose_name="target id")),
                    ("before", models.JSONField(blank=True, default=dict, verbose_name="before")),
                    ("after", models.JSONField(blank=True, default=dict, verbose_name="after")),
                    (
                        "user",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "audit entry",
                    "verbose_name_plural": "audit entries",
                    "indexes": [
                        models.Index(fields=["target_type", "target_id"], name="moderation_audit_target")
                    ],
                },
            ),
        )
    ]
