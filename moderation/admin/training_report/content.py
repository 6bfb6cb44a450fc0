"""Makes of a training run's stored figures what the report shows; texts are read now, if they may be shown.

No text is stored with a run. A comment whose text was blanked, or that is open and judged blind, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from moderation.admin.display.label_names import label_name
from moderation.admin.display.safe_text import Notes, shortened, visible
from moderation.models import Screening, TrainingRun
from moderation.retraining import wording
from moderation.retraining.gate import needs
from moderation.retraining.gate.verdict import Guard, Verdict
from moderation.retraining.splitting import COMPARISONS
from moderation.review import blind, rights, second_opinions
from moderation.review.decisions import standing_decisions

EXCERPT_CHARACTERS, EXCERPT_LINES = 600, 8
ANY = "any"


@dataclass(frozen=True)
class GuardLine:
    """One guard as the table shows it."""

    name: str
    explained: str
    old: str
    new: str
    interval: str
    allowance: str
    state: str
    """`passed`, `failed`, `force` or `unmeasured`."""
    state_name: str


@dataclass(frozen=True)
class FigureLine:
    """One figure of the site with old and new value."""

    name: str
    old: str
    new: str
    explained: str = ""


@dataclass(frozen=True)
class ChangeLine:
    """One comment that the candidate treats otherwise."""

    text: SafeString
    is_cut: bool
    label: str
    old: str
    new: str
    was: str
    will_be: str
    address: str
    """Of its page in the queue; empty in a file of its own."""

    @property
    def crosses(self) -> bool:
        """True where it is treated otherwise."""
        return self.was != self.will_be


@dataclass(frozen=True)
class Report:
    """The whole report."""

    run: TrainingRun
    result: str
    headline: str
    reasons: Sequence[str] = ()
    needs_force: bool = False
    before_forcing: str = ""
    """What to look at first."""
    figures: Sequence[FigureLine] = ()
    guards: Sequence[GuardLine] = ()
    evidence: Sequence[str] = ()
    up: Sequence[ChangeLine] = ()
    down: Sequence[ChangeLine] = ()
    left_out: int = 0
    """Comments that changed much and may not be shown."""
    drawn: int = 0
    """Comments that were drawn at random, among which these change most."""
    shows_texts: bool = True
    details: Mapping[str, Any] = field(default_factory=dict)


def report(run: TrainingRun, user: Any = None, *, links: bool = True) -> Report:
    """Make the report of a run for a user; None: the machine's own, who sees every screening.

    links: True gives each comment the address of its page.
    """
    stored = run.comparison or {}
    if "verdict" not in stored:  # nothing was compared, or an earlier release did
        return Report(run, run.result, wording.headline(run.result))
    verdict = Verdict.from_dict(stored["verdict"])
    shows_texts = user is None or rights.may_look_on(user)
    changes = stored.get("changes", {})
    directions = {name: changes.get(name, []) for name in ("up", "down")}
    shown = _shown(directions, user) if shows_texts else {}
    notes = Notes.of_a_page()
    up, down = (
        [_change(one, shown[one["screening"]], notes, links) for one in of if one["screening"] in shown]
        for of in directions.values()
    )
    named = sum(len(of) for of in directions.values())
    return Report(
        run=run,
        result=verdict.result,
        headline=wording.headline(verdict.result),
        reasons=[wording.reason(code) for code in verdict.reasons],
        needs_force=verdict.needs_force,
        before_forcing=wording.before_forcing(verdict) if verdict.needs_force else "",
        figures=_figures(stored, verdict),
        guards=[_guard(guard) for guard in verdict.guards],
        evidence=_evidence(stored.get("test", {}), verdict),
        up=up,
        down=down,
        left_out=named - len(up) - len(down),
        drawn=changes.get("comments", 0),
        shows_texts=shows_texts,
    )


def _figures(stored: Mapping[str, Any], verdict: Verdict) -> list[FigureLine]:
    test = stored.get("test", {})
    lines = [
        FigureLine(
            _("Labels judged wrongly"),
            _share(test.get("old_errors")),
            _share(test.get("new_errors")),
            _("Of all that people looked at, weighted to the comments of the site."),
        ),
        FigureLine(
            _("Error of the scores"),
            _number(test.get("old_loss")),
            _number(test.get("new_loss")),
            _difference(test),
        ),
    ]
    late = stored.get("since_active")
    if late:
        lines.append(
            FigureLine(
                _("… on the %(items)s reviewed since the version in use was made") % {"items": late["items"]},
                _number(late.get("old_loss")),
                _number(late.get("new_loss")),
                _difference(late),
            )
        )
    figures = stored.get("figures", {})
    explained = {
        "recall": _("Of what is harmful on the whole site, how much it finds. It rests on random reviews."),
        "precision": _(
            "Of what it flags, how much people find harmful: in the part of the queue that was reached. Of "
            "what nobody reached nothing is known."
        ),
    }
    names = {"recall": _("Harmful comments found"), "precision": _("Right among what was reached")}
    for name, title in names.items():
        old, new = (figures.get(version, {}).get(ANY, {}).get(name, {}) for version in ("old", "new"))
        lines.append(FigureLine(title, _interval(old), _interval(new), explained[name]))
    return lines


def _guard(guard: Guard) -> GuardLine:
    is_rate = guard.name in ("flag_rate", "hold_rate")
    state = "passed" if guard.passed else "force" if is_rate else "failed"
    if not guard.is_measured:
        state = "unmeasured"
    names = {
        "passed": _("kept"),
        "failed": _("worse"),
        "force": _("changes much"),
        "unmeasured": _("not measured"),
    }
    interval = ""
    if guard.low is not None and guard.high is not None:
        scale = 100 if guard.name == "reported" else 1
        interval = _("%(low)s to %(high)s") % {
            "low": wording.decimal(scale * guard.low, 2, signed=True),
            "high": wording.decimal(scale * guard.high, 2, signed=True),
        }
        if guard.is_ratio:
            interval = _("%(low)s to %(high)s times") % {
                "low": wording.decimal(guard.low, 2),
                "high": wording.decimal(guard.high, 2),
            }
    return GuardLine(
        wording.guard_name(guard.name),
        wording.guard_explained(guard.name),
        wording.value(guard, guard.old),
        wording.value(guard, guard.new),
        interval,
        wording.allowance(guard),
        state,
        names[state],
    )


def _evidence(test: Mapping[str, Any], verdict: Verdict) -> list[str]:
    """Say in sentences how much there was to judge by, and what it could have shown."""
    sentences = [
        _(
            "%(items)d reviewed comments were kept aside and not learned; %(random)d of them had come up at "
            "random (%(needed)d are needed)."
        )
        % {
            "items": test.get("items", 0),
            "random": test.get("random_items", 0),
            "needed": needs.MIN_RANDOM_ITEMS,
        }
    ]
    if verdict.smallest is not None and test.get("old_loss"):
        share = min(1.0, verdict.smallest / test["old_loss"])
        sentences.append(
            _("An error that is smaller by %(share).0f %% would be shown by them in 8 of 10 cases.")
            % {"share": 100 * share}
        )
    if verdict.chance is not None:
        sentences.append(
            _(
                "Decisions dealt out at random would agree with the candidate as well in "
                "%(share)s %% of cases."
            )
            % {"share": wording.decimal(100 * verdict.chance, 2)}
        )
    sentences.append(
        _(
            "It is candidate %(number)d that is held against these comments. After %(most)d, others take "
            "their place; until then each further candidate has to be shown better more surely."
        )
        % {"number": verdict.comparisons, "most": COMPARISONS}
    )
    return sentences


def _shown(directions: Mapping[str, Iterable[Mapping[str, Any]]], user: Any) -> dict[int, Screening]:
    """Read the comments that may be shown to the user: with their text, and none that is judged blind.

    Nor one that is dealt to the user for a second opinion, which is given as blind as the first.
    """
    ids = [change["screening"] for of in directions.values() for change in of]
    rows = rights.visible(user, Screening.objects.filter(pk__in=ids, blanked=None)).exclude(text="")
    rows = second_opinions.without_dealt(user, rows)
    decided = set(standing_decisions().filter(screening_id__in=ids).values_list("screening_id", flat=True))
    return {row.pk: row for row in rows if row.pk in decided or not blind.is_blind(row)}


def _change(change: Mapping[str, Any], row: Screening, notes: Notes, links: bool) -> ChangeLine:
    text, is_cut = shortened(row.text, EXCERPT_CHARACTERS, EXCERPT_LINES)
    verdicts = dict(Screening.Verdict.choices)
    return ChangeLine(
        visible(text, notes.for_a_text()),
        is_cut,
        label_name(change["label"]),
        wording.decimal(change["old"], 2),
        wording.decimal(change["new"], 2),
        str(verdicts.get(change["was"], change["was"])),
        str(verdicts.get(change["will_be"], change["will_be"])),
        _address(row.pk) if links else "",
    )


def _address(key: int) -> str:
    try:
        return reverse("admin:moderation_screening_change", args=(key,))
    except NoReverseMatch:
        return ""


def _share(value: float | None) -> str:
    return "-" if value is None else f"{wording.decimal(100 * value, 2)} %"


def _number(value: float | None) -> str:
    return "-" if value is None else wording.decimal(value, 4)


def _interval(figure: Mapping[str, float | None]) -> str:
    value, low, high = (figure.get(name) for name in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return _("too few reviews")
    return _("%(value).0f %% (%(low).0f to %(high).0f)") % {
        "value": 100 * value,
        "low": 100 * low,
        "high": 100 * high,
    }


def _difference(test: Mapping[str, Any]) -> str:
    low, high = test.get("low"), test.get("high")
    if test.get("difference") is None or low is None or high is None:
        return _("The mean squared distance of the scores from what people said (Brier).")
    return _(
        "The mean squared distance of the scores from what people said (Brier), less is better. Changed "
        "by %(difference)s; 95 %% interval %(low)s to %(high)s."
    ) % {
        name: wording.decimal(figure, 4, signed=True)
        for name, figure in (("difference", test["difference"]), ("low", low), ("high", high))
    }
