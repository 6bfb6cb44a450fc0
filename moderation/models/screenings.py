"""What was screened, and what was made of it: Screening."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from moderation.clock import Now, unset_or_before
from moderation.conf import conf
from moderation.models.conditions import (
    ACTION_PENDING,
    ASKED_AGAIN,
    BLANKABLE,
    DECIDED,
    DRAWN_BY_CHANCE,
    FAILED,
    FLAGGED_OR_HELD,
    IMPORTED,
    MAY_COUNT,
    OPEN,
    PENDING,
    REPORTED,
    REPORTED_AGAIN,
    SUGGESTED,
    UNJUDGED,
    WAITING_SUGGESTIONS,
    has_label,
)
from moderation.models.primary import PrimaryManager
from moderation.texts import exact_digest, without_form

if TYPE_CHECKING:
    from moderation.models.scorings import Scoring


class ScreeningQuerySet(models.QuerySet["Screening"]):
    """The sets of screenings that the pipeline and the queue ask for by name."""

    def pending(self) -> ScreeningQuerySet:
        """Current texts that no model has scored yet, claimed or not."""
        return self.filter(PENDING)

    def unleased(self) -> ScreeningQuerySet:
        """Those that no worker holds."""
        return self.filter(unset_or_before("lease_until", Now()))

    def claimable(self) -> ScreeningQuerySet:
        """Pending ones that a worker may claim now: no other holds them, and no back-off makes them wait."""
        return self.pending().unleased().filter(unset_or_before("retry_at", Now()))

    def leased(self) -> ScreeningQuerySet:
        """Those that a worker holds, by a lease that has not ended."""
        return self.filter(lease_token__isnull=False, lease_until__gte=Now())

    def with_verdict(self) -> ScreeningQuerySet:
        """Current texts that were scored."""
        return self.filter(is_current=True, status=Screening.Status.DONE)

    def failed(self) -> ScreeningQuerySet:
        """Current texts that could not be scored, whether a person has decided on them or not."""
        return self.filter(FAILED)

    def failed_undecided(self) -> ScreeningQuerySet:
        """Those of `failed` on which no person has decided: a model may try them again."""
        return self.failed().filter(outcome="")

    def open(self) -> ScreeningQuerySet:
        """What waits for a person, most severe first, with the audit items at random places among them."""
        return self.filter(OPEN).order_by("-severity", "id")

    def suggested(self) -> ScreeningQuerySet:
        """Texts with labels from API clients, on which no person has decided."""
        return self.filter(WAITING_SUGGESTIONS)

    def reported(self) -> ScreeningQuerySet:
        """What readers have reported and waits for a person, most severe first; some of it is decided."""
        return self.filter(REPORTED).order_by("-severity", "id")

    def asked_again(self) -> ScreeningQuerySet:
        """Texts whose authors wait for a second look, the longest wait first."""
        return self.filter(ASKED_AGAIN).order_by("second_look", "id")

    def of_the_site(self) -> ScreeningQuerySet:
        """All but suggestions of API clients and texts that came with labels.

        Figures of the site's comments, and chance, know only these.
        """
        return self.exclude(source=Screening.Source.SUGGESTION).exclude(IMPORTED)

    def decided(self) -> ScreeningQuerySet:
        """What a person has decided on, replaced since or not."""
        return self.filter(DECIDED)

    def flagged_or_held(self) -> ScreeningQuerySet:
        """Texts of which the model said that some label counts, replaced since or not."""
        return self.filter(FLAGGED_OR_HELD)

    def unjudged(self) -> ScreeningQuerySet:
        """Texts in a language that the model was not made for, which nobody scored, replaced since or not."""
        return self.filter(UNJUDGED)

    def action_pending(self) -> ScreeningQuerySet:
        """Those whose objects are still to be hidden or shown."""
        return self.filter(ACTION_PENDING)

    def action_unclaimed(self) -> ScreeningQuerySet:
        """Those of `action_pending` that no process is carrying out, put off or not."""
        return self.action_pending().filter(Q(action_token=None) | unset_or_before("action_until", Now()))

    def action_due(self) -> ScreeningQuerySet:
        """Those of `action_pending` to carry out now: neither claimed nor put off, nor being scored."""
        free = self.action_pending().filter(unset_or_before("action_until", Now()))
        return free.exclude(status=Screening.Status.PENDING, lease_token__isnull=False)

    def blankable(self) -> ScreeningQuerySet:
        """Texts that nobody needs any more: old copies, and what is neither pending nor open in the queue.

        Decided texts that were brought back, by readers or by the author, wait for a person, too.
        """
        return self.filter(BLANKABLE).exclude(REPORTED_AGAIN).exclude(ASKED_AGAIN)

    def labelled(self, label: str) -> ScreeningQuerySet:
        """Those of which `has_label` is true."""
        return self.filter(has_label(label))


class Screening(models.Model):
    """One text, copied as it stood, where it came from, and what was made of it."""

    class Source(models.TextChoices):
        """Where the text came from."""

        OBJECT = "object", _("object")
        """A field of a registered model's instance."""
        SUGGESTION = "suggestion", _("suggestion")
        """A text that an API client sent with labels of its own."""
        IMPORT = "import", _("import")
        """A text loaded from a file."""

    class Status(models.TextChoices):
        """How far scoring is."""

        PENDING = "pending", _("pending")
        """Waits to be scored, or is being scored: then it carries a lease."""
        DONE = "done", _("done")
        """Looked at by a model; the verdict is set."""
        FAILED = "failed", _("failed")
        """Could not be scored; waits in the queue for a person and for the next model version."""
        SUPERSEDED = "superseded", _("superseded")
        """Edited or deleted before it was scored, or imported with labels; never claimed."""

    class Verdict(models.TextChoices):
        """What policy makes of the live scores."""

        CLEAR = "clear", _("clear")
        """Every score is under its flag threshold."""
        FLAGGED = "flagged", _("flagged")
        """Stays public and stands in the queue."""
        HELD = "held", _("held")
        """Hidden until a person has looked at it."""
        UNJUDGED = "unjudged", _("not judged")
        """In a language that the model was not made for, and not scored, as its registration says."""

    class Outcome(models.TextChoices):
        """What a person decided. It wins over every verdict, always."""

        SHOW = "show", _("show")
        HIDE = "hide", _("hide")

    class QueuedFor(models.TextChoices):
        """Why the screening stands, or stood, in the queue."""

        FLAGGED = "flagged", _("flagged")
        HELD = "held", _("held")
        AUDIT = "audit", _("audit")
        """Drawn at random among the clear ones, so that what the model misses can be estimated. Stands among
        the flagged ones, and looks like those that are judged without scores."""
        FAILED = "failed", _("failed")
        EDITED = "edited", _("edited")
        """A hidden comment was edited: it stays hidden until a person has seen the new text."""
        LANGUAGE = "language", _("language")
        """In a language that the model was not made for: it keeps the visibility it had while pending."""
        REPORTED = "reported", _("reported")
        """Nothing but readers' reports brought a text here of which the model said nothing."""
        AUTHOR = "author", _("author")
        """Held for what the site decided of its author, whatever the model says."""
        DISAGREEMENT = "disagreement", _("disagreement")
        """Clear to the active version and not to a candidate in a shadow trial, and drawn at random among
        such. Stands and looks like an audit item."""

    class Nudged(models.TextChoices):
        """What an author did who was told before posting that the text may be read as an insult."""

        EDITED = "edited", _("edited")
        """This text took the place of one of which the author was told."""
        POSTED_ANYWAY = "posted_anyway", _("posted anyway")
        """The author was told of this text, and posted it all the same."""

    class Priority(models.IntegerChoices):
        """Which of the pending are scored first: the highest."""

        LOW = 0, _("low")
        """Discovered, imported or backfilled."""
        NORMAL = 10, _("normal")
        """Saved just now by someone who waits for it."""

    source = models.CharField(_("source"), max_length=12, choices=Source, default=Source.OBJECT)
    content_type = models.ForeignKey(
        ContentType, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("content type")
    )
    """Of the registered model, also when a child or a proxy was saved."""
    object_id = models.CharField(_("object id"), max_length=255, blank=True)
    """The primary key as text; empty for suggestions and imports."""
    content_object = GenericForeignKey("content_type", "object_id", for_concrete_model=True)
    field = models.CharField(_("field"), max_length=100, blank=True)
    """Name of the text, as `LiveText.name` says: the column's, several joined by "+", or the callable's."""
    text = models.TextField(_("text"), blank=True)
    """The text as `text_keys.storable` writes it; blank once the object is gone or retention ended."""
    text_key = models.CharField(_("text key"), max_length=64, blank=True)
    """Keyed hash of the normalised text: decides the side of the split; blanked with the text."""
    text_digest = models.CharField(max_length=64, null=True, blank=True, editable=False)
    """Once retention has blanked a current text: its keyed hash to the letter, so that an edit can be told
    from an unchanged comment. Null before, for what has been replaced, and once the object is gone."""
    blanked = models.DateTimeField(_("blanked"), null=True, blank=True)
    """When the text was taken out; such a row is in no training or test set."""
    author_key = models.CharField(_("author key"), max_length=255, blank=True)
    """The author's primary key as text, without a foreign key; empty where there is none."""
    author_name = models.CharField(_("author's name"), max_length=255, default="", db_default="", blank=True)
    """The author's name as the site showed it when the text was screened; empty where it is not known."""
    page_key = models.CharField(_("page"), max_length=255, default="", db_default="", blank=True)
    """The page that the object stands on, as `app_label.modelname:key`; empty where it is not known."""
    nudged = models.CharField(
        _("nudged"), max_length=16, choices=Nudged, default="", db_default="", blank=True, editable=False
    )
    """Empty: nobody told its author anything, or the save was not one of those that carry it."""
    language = models.CharField(_("language"), max_length=40, default="", db_default="", blank=True)
    """A BCP 47 tag, as the model's library told it when a model last looked at the text; a text that says too
    little counts as the model's own. Empty: not looked at, or it could not be told."""
    is_current = models.BooleanField(_("is current"), default=True)
    """False once the object was edited (a newer screening exists) or deleted, and of texts that came with
    labels."""
    created = models.DateTimeField(_("created"), auto_now_add=True)

    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PENDING)
    priority = models.SmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    """Who is scoring it; null while nobody is."""
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    """Nobody else may claim it before this time of the database's clock."""
    retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    """After an error nobody claims it before this time of the database's clock: the back-off of scoring."""
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    """Errors of scoring this text alone; nothing else counts."""
    deaths = models.PositiveSmallIntegerField(_("deaths"), default=0)
    """Leases that ran out while a worker held them."""
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    """Our own code for the last error; never a message, which could quote the text."""
    failed_version = models.ForeignKey(
        "moderation.ModelVersion", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """The version that gave up on it last; any other version that had no try yet tries again."""
    failed_versions = models.TextField(default="", db_default="", blank=True, editable=False)
    """Ids of the versions that had their try, each as ",id,": none has a second one."""

    verdict = models.CharField(_("verdict"), max_length=12, choices=Verdict, blank=True)
    """Empty while pending."""
    severity = models.FloatField(_("severity"), default=0.0)
    """Largest of score minus flag threshold over the labels, -1 to 1. Of an audit item that of a flagged
    screening, for a place in the queue that tells nothing; its own scores are in its scoring."""
    labels = models.TextField(_("labels"), default="", db_default="", blank=True, editable=False)
    """The labels at or over their flag threshold, as `written_labels` has them: what the verdict's LabelScore
    rows say, once more, so that an index of screenings can answer for a label. Of an audit item those of the
    flagged screening whose place it has."""
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome, blank=True)
    """Empty until a person decided."""
    queued_for = models.CharField(_("queued for"), max_length=12, choices=QueuedFor, blank=True)
    """Empty: it never stood in the queue. It stands there now while `outcome` is empty, too."""
    sampling_probability = models.FloatField(_("sampling probability"), null=True, blank=True)
    """With what probability it was drawn for review: 1 where always, the audit rate for clear ones."""
    was_picked = models.BooleanField(default=False, db_default=False, editable=False)
    """The decision that stands was come to by the item's topic, author, page or the like, so that it tells
    nothing of items that nobody came to."""
    scored = models.DateTimeField(_("scored"), null=True, blank=True)
    reviewed = models.DateTimeField(_("reviewed"), null=True, blank=True)

    action_pending = models.BooleanField(_("action pending"), default=False)
    """The object's visibility is not yet what it should be; the sweep tries again."""
    action_token = models.UUIDField(null=True, blank=True, editable=False)
    """Who is carrying the action out; null while nobody is."""
    action_until = models.DateTimeField(null=True, blank=True, editable=False)
    """Nobody else carries it out before this time of the database's clock; also carries its back-off."""
    action_attempts = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    """Errors of carrying it out, tries that never ended included; 0 again once it is done."""
    hidden_by_us = models.BooleanField(_("hidden by us"), default=False)
    """We made the object invisible, so we may make it visible again; what others hid stays hidden."""
    hidden_by = models.TextField(_("hidden by"), default="", db_default="", blank=True, editable=False)
    """With what we hid it, as `means.written` has it, so that it can be shown again however models are
    registered by then. Empty: we did not hide it, or an earlier release did, which did not note it. Set while
    `hidden_by_us` is False: the site was called to hide it and raised, so its state is not known."""
    open_reports = models.IntegerField(_("open reports"), default=0, db_default=0, editable=False)
    """How many readers' reports of this text no decision has answered."""
    held_by_reports = models.BooleanField(
        _("held by reports"), default=False, db_default=False, editable=False
    )
    """True: as many readers reported it as REPORTS_TO_HOLD says, so it is hidden until a person decides."""
    second_look = models.DateTimeField(_("second look"), null=True, blank=True, editable=False)
    """When the author asked for a second look that nobody has given yet; null: none is asked for."""
    released = models.DateTimeField(_("released"), null=True, blank=True)
    """When somebody showed the object again by the site's own means, knowing that it was hidden: from then
    on no machine hides this text. A decision in the queue takes its place."""

    objects = PrimaryManager.from_queryset(ScreeningQuerySet)()

    class Meta:
        verbose_name = _("screening")
        # What the admin's index and menu name after it is the page that shows them.
        verbose_name_plural = _("moderation queue")
        default_permissions = ("view",)
        base_manager_name = "objects"
        permissions = (
            ("review_screening", _("Can review screenings")),
            ("lead_reviews", _("Can lead moderation and correct others")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["content_type", "object_id", "field"],
                condition=Q(is_current=True, source="object"),
                name="moderation_one_current",
            ),
            models.CheckConstraint(
                condition=Q(source__in=["object", "suggestion", "import"]), name="moderation_screening_source"
            ),
            models.CheckConstraint(
                condition=~Q(source="object") | (~Q(object_id="") & ~Q(field="")),
                name="moderation_object_named",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "done", "failed", "superseded"]),
                name="moderation_screening_status",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=["", "clear", "flagged", "held", "unjudged"]),
                name="moderation_screening_verdict",
            ),
            models.CheckConstraint(
                condition=~Q(status="done") | ~Q(verdict=""), name="moderation_done_has_verdict"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", "show", "hide"]), name="moderation_screening_outcome"
            ),
            models.CheckConstraint(
                condition=Q(
                    queued_for__in=[
                        *("", "flagged", "held", "audit", "failed", "edited", "language"),
                        *("reported", "author", "disagreement"),
                    ]
                ),
                name="moderation_queued_for",
            ),
            models.CheckConstraint(
                condition=Q(severity__gte=-1, severity__lte=1), name="moderation_severity_range"
            ),
            models.CheckConstraint(
                condition=Q(sampling_probability__isnull=True)
                | Q(sampling_probability__gte=0, sampling_probability__lte=1),
                name="moderation_sampling_range",
            ),
        )
        indexes = (
            models.Index(
                F("priority").desc(),
                F("created").asc(),
                F("id").asc(),
                condition=PENDING,
                name="moderation_claim",
            ),
            models.Index(
                # verdict and labels only so that counts of the filters by them need not leave the index
                fields=["-severity", "id", "verdict", "labels"],
                condition=OPEN,
                name="moderation_open",
            ),
            models.Index(
                fields=["id", "queued_for", "verdict", "labels"], condition=OPEN, name="moderation_open_by_id"
            ),
            models.Index(
                fields=["queued_for", "-severity", "id"], condition=OPEN, name="moderation_open_reasons"
            ),
            models.Index(fields=["-id"], condition=SUGGESTED, name="moderation_suggested"),
            models.Index(fields=["-severity", "id"], condition=REPORTED, name="moderation_reports_wait"),
            models.Index(fields=["second_look", "id"], condition=ASKED_AGAIN, name="moderation_asked_again"),
            models.Index(fields=["content_type", "object_id", "field", "id"], name="moderation_by_object"),
            models.Index(fields=["id"], condition=ACTION_PENDING, name="moderation_action_pending"),
            models.Index(fields=["id"], condition=FAILED, name="moderation_failed"),
            models.Index(fields=["content_type", "created"], condition=BLANKABLE, name="moderation_to_blank"),
            models.Index(
                fields=["lease_token"], condition=Q(lease_token__isnull=False), name="moderation_leased"
            ),
            models.Index(
                fields=["id"],
                condition=Q(status="pending", is_current=True, deaths__gte=1),
                name="moderation_suspects",
            ),
            models.Index(
                fields=["-reviewed", "-id", "verdict", "labels"],
                condition=DECIDED,
                name="moderation_decided",
            ),
            models.Index(
                # the outcome only so that copies are counted within the index
                fields=["text_key", "-reviewed", "-id", "outcome"],
                condition=DECIDED,
                name="moderation_same_decided",
            ),
            models.Index(
                fields=["-id", "verdict", "labels"],
                condition=FLAGGED_OR_HELD,
                name="moderation_counted",
            ),
            # a second one for lists, beside the index of figures: SQLite takes none whose condition is wider
            models.Index(
                fields=["-id", "verdict", "labels"], condition=MAY_COUNT, name="moderation_or_drawn"
            ),
            models.Index(fields=["-id"], condition=UNJUDGED, name="moderation_unjudged"),
            models.Index(
                fields=["content_type", "hidden_by", "id"],
                condition=Q(is_current=True, hidden_by_us=True),
                name="moderation_hidden",
            ),
            models.Index(fields=["created"], name="moderation_created"),
            # not by `db_index`, which would add a second one for LIKE, an eighth of all that a comment takes
            models.Index(fields=["text_key"], name="moderation_text_key"),
            models.Index(
                fields=["author_key", "-id"], condition=~Q(author_key=""), name="moderation_by_author_key"
            ),
            models.Index(
                fields=["author_name", "-id"], condition=~Q(author_name=""), name="moderation_by_author_name"
            ),
            models.Index(fields=["language"], condition=~Q(language=""), name="moderation_by_language"),
            models.Index(fields=["page_key", "-id"], condition=~Q(page_key=""), name="moderation_by_page"),
        )

    def __str__(self) -> str:
        return f"{self.get_source_display()} {self.object_id} ({self.pk})"

    @property
    def may_be_hidden_by_us(self) -> bool:
        """True where we hid the object, or called the site to hide it and do not know how that ended."""
        return self.hidden_by_us or bool(self.hidden_by)

    @property
    def is_open(self) -> bool:
        """True where it waits for a person, as `OPEN` says of rows."""
        return self.is_current and bool(self.queued_for) and not self.outcome

    @property
    def is_drawn_by_chance(self) -> bool:
        """True where chance alone brought it into the queue: an audit item, or a disagreement."""
        return self.queued_for in DRAWN_BY_CHANCE

    @property
    def is_reported_again(self) -> bool:
        """True where readers brought back what a person had decided to show, as `REPORTED_AGAIN` says."""
        return self.is_current and self.outcome == self.Outcome.SHOW and self.open_reports > 0

    def is_of(self, text: str) -> bool:
        """True where `text`, as `texts.storable` writes it, was screened, blanked since or not.

        Line ends and white space around it make no other text: a form that is saved unread changes both.
        """
        if self.blanked is None:
            return self.text == text or self._plain(self.text) == self._plain(text)
        plain = self._plain(text)
        # the first as `digest` makes it; the others of what was blanked by an earlier release
        spellings = (plain, text, plain.replace("\n", "\r\n"))
        secret = conf.TEXT_KEY_SECRET
        return self.text_digest in {exact_digest(spelling, secret, self.pk) for spelling in spellings}

    def digest(self) -> str:
        """Return the digest by which this row knows its text again once it is blanked."""
        return exact_digest(self._plain(self.text), conf.TEXT_KEY_SECRET, self.pk)

    def _plain(self, text: str) -> str:
        return without_form(text, has_parts="+" in self.field)

    def basis(self) -> Scoring | None:
        """The scoring that the verdict rests on, or None while there is none."""
        return self.scorings.filter(is_basis=True).first()
