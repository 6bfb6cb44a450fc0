"""Makes of a screening what the queue's templates show: safe text, meters, choices; asks no database."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from django.contrib.contenttypes.models import ContentType
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from moderation.admin.display.label_names import label_name
from moderation.admin.display.language_names import is_among, name_of
from moderation.admin.display.safe_text import Notes
from moderation.admin.item import markup
from moderation.admin.item.meters import Meter, two_places
from moderation.admin.item.reports import (
    ReportLine,
    SecondLookLine,
    has_more,
    reports_of,
    second_looks_of,
    source_of,
)
from moderation.admin.item.shown_text import ShownText
from moderation.models import (
    ItemClaim,
    ModelVersion,
    ModeratorPreferences,
    Review,
    Scoring,
    Screening,
    Suggestion,
)
from moderation.review import blind
from moderation.review import decisions as reviewing
from moderation.review.overruling import is_overruled
from moderation.review.reasons import label_of, reasons
from moderation.review.same_text import EarlierDecisions
from moderation.screening import judging
from moderation.screening.driving import DrivingWords
from moderation.versions.active import languages_of
from moderation.visibility.live_state import LiveState

if TYPE_CHECKING:
    from moderation.admin.item.context import Context

READ_WHOLE_CHARACTERS = 30_000
"""Of a longer text the model may have read both ends alone; how much follows from its tokens."""
SUGGESTED_FROM = 0.5
"""A suggested score from which the label is ticked for the person who confirms it."""
SUGGESTIONS_SHOWN = 5


@dataclass(frozen=True)
class Choice:
    """One checkbox for relabelling."""

    label: str
    ticked: bool

    @property
    def name(self) -> str:
        return label_name(self.label)


@dataclass
class Item:
    """One screening as the queue shows it."""

    screening: Screening
    scoring: Scoring | None
    reviews: list[Review]
    active: ModelVersion | None
    suggestions: list[Suggestion] = field(default_factory=list)
    """What API clients said of the text last, the newest first."""
    is_own_language: bool = True
    """True: the active version was made for the text's language, or that is not known."""
    part: int | None = None
    """On an item's own page: which part of the text it shows, from 1 on; None: its beginning, in a list."""
    earlier: Review | None = field(default=None)
    """What was decided on the text that this one replaced."""
    context: "Context | None" = None
    """What stands around the text, where it was looked for."""
    live: LiveState = LiveState.UNKNOWN
    """What the site does with the object now, where it was looked for."""
    can_be_undone: bool = False
    """True: this user may correct the decision or take it back."""
    is_own_decision: bool = False
    """True: this user made the decision that stands."""
    own_opinion: Review | None = None
    """This user's second opinion, unless it was taken back."""
    holder: ItemClaim | None = None
    """The claim of a colleague who looks at it."""
    next_id: int | None = None
    """The screening of the item after it in its list; None for a list's first item, from which focus goes to
    the list itself, and for its last."""
    site: str | None = None
    """The name of the admin site whose pages it links to; None: the only one."""
    is_editable: bool = False
    """True: the reader may change its object in the admin."""
    notes: Notes = field(default_factory=Notes)
    """How many hidden characters of the text may still be named."""
    care: ModeratorPreferences | None = None
    """How the moderator wants to meet texts; None: as they are."""
    is_unmasked: bool = False
    """True: the moderator asked for the swear words of this text."""
    driving: DrivingWords | None = None
    """The words to mark in the text, where somebody asked for them."""
    not_explained: str = ""
    """Why they can not be told, where somebody asked."""
    earlier_on_same: EarlierDecisions | None = None
    """What was decided on other copies of the text."""

    @cached_property
    def decision(self) -> Review | None:
        """Return the ground truth, from the reviews that were fetched."""
        return reviewing.standing_among(self.reviews)

    @property
    def is_decidable(self) -> bool:
        """True where the text can be judged: a superseded or blanked one can't."""
        return self.decision is None and self.screening.is_current and self.screening.blanked is None

    @property
    def scores_are_withheld(self) -> bool:
        """True where the page hides the scores: nobody judges a blind item by the model's opinion."""
        return blind.is_withheld(self.screening, self.decision)

    @cached_property
    def meters(self) -> list[Meter]:
        if self.scoring is None or self.scores_are_withheld:
            return []
        thresholds = self.scoring.thresholds
        hold = judging.thresholds_of_scoring(self.screening, self.scoring).hold
        scores = reviewing.scores_in_order(self.scoring)
        return [
            Meter(label, score, thresholds.get(label), hold.get(label)) for label, score in scores.items()
        ]

    @property
    def may_be_read_in_part(self) -> bool:
        """True of a text so long that the model may not have read its middle."""
        return len(self.screening.text) > READ_WHOLE_CHARACTERS

    @property
    def nudge_note(self) -> str:
        """What the author did who was told before posting; withheld with the scores, which it tells of."""
        if self.scores_are_withheld or not self.screening.nudged:
            return ""
        if self.screening.nudged == Screening.Nudged.EDITED:
            return _("The author was told that an earlier wording may hurt, and edited it before posting.")
        return _("The author was told that this may hurt, and posted it anyway.")

    @property
    def shown(self) -> str:
        """Return the id of the scoring whose meters are shown, for the form; empty for none."""
        return str(self.scoring.pk) if self.scoring is not None and self.meters else ""

    @cached_property
    def choices(self) -> list[Choice]:
        over = [] if self.scores_are_withheld else reviewing.labels_over_threshold(self.scoring)
        if self.suggestions:
            over = [label for label, score in self.suggestions[0].labels.items() if score >= SUGGESTED_FROM]
        labels = reviewing.labels_to_judge(self.scoring, self.active)
        return [Choice(label, label in over) for label in labels]

    @property
    def is_suggestion(self) -> bool:
        """True of a text that an API client sent: there is no comment of it to hide or show."""
        return self.screening.source == Screening.Source.SUGGESTION

    @property
    def suggested(self) -> list[tuple[Suggestion, str, str]]:
        """The newest suggestions, each with its scores in words, and what the client calls the text."""
        return [
            (
                suggestion,
                ", ".join(f"{label_name(name)} {two_places(score)}" for name, score in scores),
                source_of(suggestion, self.notes),
            )
            for suggestion in self.suggestions
            if (scores := sorted((suggestion.labels or suggestion.scores).items(), key=lambda of: -of[1]))
        ]

    @cached_property
    def reports(self) -> list[ReportLine]:
        """What readers reported, the newest first."""
        return reports_of(self.screening, self.notes, is_whole=self.part is not None)

    @property
    def has_more_reports(self) -> bool:
        """True where there are more reports than these."""
        return has_more(self.screening)

    @cached_property
    def second_looks(self) -> list[SecondLookLine]:
        """What the author asked to be looked at once more."""
        return second_looks_of(self.screening, self.notes)

    @property
    def waits_for_second_look(self) -> bool:
        """True where the author has asked for a second look, and nobody has given it."""
        return self.screening.second_look is not None and self.decision is not None

    @property
    def is_reported_again(self) -> bool:
        """True where readers have brought back what a person had decided to show."""
        return self.screening.is_reported_again and self.decision is not None

    @property
    def can_be_upheld(self) -> bool:
        return not self.scores_are_withheld and reviewing.may_uphold(self.screening, self.scoring)

    @cached_property
    def reasons(self) -> list[tuple[str, str]]:
        """(code, label) of each other reason to hide it; none of a suggestion, which hides nothing."""
        return [] if self.is_suggestion else list(reasons().items())

    @property
    def labels_to_pick(self) -> list[tuple[str, str]]:
        """(label, name) of each label over its threshold, where several are and one alone can be upheld."""
        if not self.can_be_upheld:
            return []
        over = reviewing.labels_over_threshold(self.scoring)
        return [(label, label_name(label)) for label in over] if len(over) > 1 else []

    @cached_property
    def is_judged_by_model(self) -> bool:
        """True where the buttons can speak of upholding and false positives."""
        return bool(reviewing.labels_over_threshold(self.scoring)) and not self.scores_are_withheld

    @property
    def language(self) -> str:
        """Name the text's language where it is not the model's own, and on the item's page in any case."""
        is_said = self.screening.is_open and self.is_unjudged  # by the badge
        is_shown = not is_said and (self.part is not None or not self.is_own_language)
        return name_of(self.screening.language) if is_shown and self.screening.language else ""

    @property
    def is_imported(self) -> bool:
        """True of a text that came with labels in a file, to learn from: nobody judges or scores it here."""
        return self.screening.source == Screening.Source.IMPORT and not self.screening.is_current

    @property
    def is_unjudged(self) -> bool:
        """True where no model scored the text, as none was made for its language."""
        return self.screening.verdict == Screening.Verdict.UNJUDGED

    @cached_property
    def badge(self) -> str:
        """Return the badge's words; empty for an open, public, unedited item, whose reason stays unsaid."""
        screening = self.screening
        if self.is_suggestion and self.decision is not None:
            return _("confirmed") if self.decision.outcome == Screening.Outcome.HIDE else _("harmless")
        if self.is_suggestion:
            return ""
        if self.decision is not None:
            return self._decided_badge(self.decision)
        if self.is_imported:
            return _("from a file")
        if not screening.is_current:
            return _("replaced")
        if screening.status in (Screening.Status.FAILED, Screening.Status.PENDING):
            return str(screening.get_status_display())
        if screening.released is not None:
            if self.live is LiveState.GONE:
                return _("gone")
            return _("shown by the site") if self.is_public else _("hidden by the site")
        if screening.queued_for == Screening.QueuedFor.EDITED:
            return _("edited while hidden")
        if screening.held_by_reports:
            return _("hidden after reports")
        if screening.queued_for == Screening.QueuedFor.AUTHOR and screening.is_open:
            return _("held for its author")
        if screening.is_open and self.is_unjudged:
            return _("in %(language)s") % {"language": name_of(screening.language)}
        if screening.is_open and screening.verdict != Screening.Verdict.HELD:
            return ""
        return str(screening.get_verdict_display())

    def _decided_badge(self, decision: Review) -> str:
        """Say what the site does now with what was decided, where that is known, else what was decided."""
        is_shown = decision.outcome == Screening.Outcome.SHOW
        if not self.screening.is_current:
            return _("shown") if is_shown else _("hidden")
        if self.live is LiveState.GONE:
            return _("gone")
        if self.is_overruled:
            return _("shown by the site") if not is_shown else _("hidden by the site")
        if self.screening.action_pending:
            return _("will be shown") if is_shown else _("will be hidden")
        return _("shown") if is_shown else _("hidden")

    @property
    def is_overruled(self) -> bool:
        """True where the site has shown by its own means what was to be hidden, or the reverse."""
        return is_overruled(self.screening, self.decision, self.live)

    @property
    def is_public(self) -> bool:
        """True where the site shows the object, as far as that can be known."""
        if self.live is LiveState.UNKNOWN:
            return not self.screening.may_be_hidden_by_us
        return self.live is LiveState.VISIBLE

    @property
    def is_not_public(self) -> bool:
        """True where the object is there and known not to be shown, and the badge does not say so.

        The badge says it of what was decided, and of what the site has shown by its own means since.
        """
        is_said = self.decision is not None or self.screening.released is not None
        is_hidden = self.live is LiveState.HIDDEN
        return not is_said and (is_hidden or (not self.is_public and self.live is LiveState.UNKNOWN))

    @cached_property
    def badge_kind(self) -> str:
        """Return the badge's colour: held, flagged, failed, hide or quiet."""
        if self.is_overruled:
            return "flagged"
        if self.decision is not None:
            return "hide" if self.decision.outcome == Screening.Outcome.HIDE else "quiet"
        if not self.screening.is_current:
            return "quiet"
        if self.screening.status == Screening.Status.FAILED:
            return "failed"
        if self.screening.released is not None:
            return "flagged"
        held_for = (Screening.QueuedFor.EDITED, Screening.QueuedFor.AUTHOR)
        if self.screening.held_by_reports or self.screening.queued_for in held_for:
            return "held"
        return self.screening.verdict or "quiet"

    @cached_property
    def shown_text(self) -> ShownText:
        """What the item shows of its text."""
        masks = self.care is not None and self.care.masks_profanity and not self.is_unmasked
        return ShownText(self.screening.text, self.notes, self.part, self.driving, masks)

    @property
    def same_text(self) -> EarlierDecisions | None:
        """Return what was decided on other copies of the text; withheld with the scores.

        Who judges blind judges alone, and a colleague's page of the same text shows its scores.
        """
        return None if self.scores_are_withheld else self.earlier_on_same

    @property
    def same_title(self) -> str:
        """Name the object of the other copy."""
        return title_of(self.earlier_on_same.last.screening) if self.earlier_on_same is not None else ""

    @property
    def is_covered(self) -> bool:
        """True where the text stays covered until somebody uncovers it."""
        return self.care is not None and self.care.covers_texts

    @property
    def is_asked_for(self) -> bool:
        """True where somebody asked for this text, or for what is marked in it, just now."""
        return self.is_unmasked or self.driving is not None or bool(self.not_explained)

    @property
    def asked(self) -> str:
        """Return what was asked of the text, for the addresses of its other parts."""
        asked = {"why": self.driving.label} if self.driving is not None else {}
        return "".join(f"&{urlencode({key: value})}" for key, value in asked.items()) + (
            "&plain=1" if self.is_unmasked else ""
        )

    @property
    def driving_name(self) -> str:
        """Name the label whose words are marked."""
        return label_name(self.driving.label) if self.driving is not None else ""

    @cached_property
    def explainable(self) -> list[Meter]:
        """The labels whose words can be asked for: those over their threshold, or all on the item's page.

        None while scores are withheld: to be able to ask would tell what the model says.
        """
        if self.screening.blanked is not None or self.shown_text.is_blank:
            return []
        over = [meter for meter in self.meters if meter.is_over]
        return self.meters if self.part is not None else over or self.meters[:1]

    @property
    def seen_number(self) -> int:
        """Return the number of the decision that the page shows, for its forms; 0 for none."""
        return self.decision.number if self.decision is not None else 0

    @cached_property
    def title(self) -> str:
        return title_of(self.screening)

    @cached_property
    def heading_id(self) -> str:
        """Return the id that its heading has in the page, for what is described by it."""
        return f"item-{self.screening.pk}"

    @cached_property
    def page_url(self) -> str:
        """Return the address of its own page."""
        name = "admin:moderation_screening_change"
        return reverse(name, args=(self.screening.pk,), current_app=self.site)

    # --- what is written at once ----------------------------------------------------------------

    @property
    def meter_rows(self) -> SafeString:
        return markup.meter_rows(self.meters)

    @property
    def choice_boxes(self) -> SafeString:
        return markup.choice_boxes(self.choices)

    @property
    def presets(self) -> SafeString:
        return markup.presets(self.choices)

    @property
    def reason_buttons(self) -> SafeString:
        return markup.reason_buttons(self.reasons, self.heading_id)

    @property
    def object_url(self) -> str:
        """Return the address of the object's page in the admin, or nothing for who may not edit it."""
        content_type = self.screening.content_type
        if content_type is None or not self.is_editable:
            return ""
        try:
            name = f"admin:{content_type.app_label}_{content_type.model}_change"
            return reverse(name, args=(self.screening.object_id,))
        except NoReverseMatch:
            return ""

    @property
    def true_labels(self) -> str:
        """Return the labels that the decision made true, or the reason that it gave instead."""
        if self.decision is not None and self.decision.reason:
            return label_of(self.decision.reason)
        labels = self.labels_of(self.decision) if self.decision is not None else {}
        return ", ".join(label_name(label) for label, value in labels.items() if value)

    def labels_of(self, review: Review) -> dict[str, bool | None]:
        """Return a review's labels in the order of the choices."""
        order = {choice.label: place for place, choice in enumerate(self.choices)}
        labels: dict[str, bool | None] = review.labels
        return dict(sorted(labels.items(), key=lambda entry: order.get(entry[0], len(order))))


def items(
    screenings: Iterable[Screening],
    active: ModelVersion | None,
    earlier: dict[int, Review],
    care: ModeratorPreferences | None = None,
    site: str | None = None,
) -> list[Item]:
    """Make a page's items from screenings that were fetched with `basis_scorings` and `all_reviews`."""
    screenings = list(screenings)
    notes = Notes.of_a_page()
    is_known = any(screening.language for screening in screenings)
    own = languages_of(active) if active is not None and is_known else []
    return [
        Item(
            screening,
            scoring=next(iter(screening.basis_scorings), None),  # type: ignore[attr-defined]
            reviews=screening.all_reviews,  # type: ignore[attr-defined]
            suggestions=screening.newest_suggestions,  # type: ignore[attr-defined]
            active=active,
            is_own_language=not (own and screening.language) or is_among(screening.language, own),
            earlier=earlier.get(screening.pk),
            notes=notes.for_a_text(),
            care=care,
            site=site,
        )
        for screening in screenings
    ]


def title_of(screening: Screening) -> str:
    """Name the object that a text belongs to, such as "Comment 12"."""
    content_type = screening.content_type
    if content_type is None:
        return f"{capfirst(screening.get_source_display())} {screening.pk}"
    return f"{capfirst(_kind(content_type))} {screening.object_id}"


def _kind(content_type: ContentType) -> str:
    model = content_type.model_class()
    return str(model._meta.verbose_name) if model is not None else content_type.model
