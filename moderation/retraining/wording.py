"""What the gate says, in words for an operator who knows no machine learning: verdicts, reasons, guards."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from moderation.retraining.gate import verdict as gate
from moderation.retraining.gate.verdict import Guard, Verdict

HEADLINES: Mapping[str, str] = {
    gate.BETTER: gettext_noop("The candidate is better on this site's own comments."),
    gate.NOT_BETTER: gettext_noop("The candidate is not shown to be better."),
    gate.NOT_ENOUGH_EVIDENCE: gettext_noop("There is not enough evidence to say."),
}
REASONS: Mapping[str, str] = {
    gate.TOO_FEW: gettext_noop(
        "Too few reviewed comments were kept aside to test on, or too few of them came up at random. Review "
        "more of the queue, or raise AUDIT_RATE."
    ),
    gate.ONE_ANSWER: gettext_noop(
        "All decisions that were kept aside say the same, so nobody knows whether the candidate tells "
        "harmless from harmful."
    ),
    gate.LIKE_CHANCE: gettext_noop(
        "The decisions can't be told from chance: decisions dealt out at random would agree with the "
        "candidate as well as these do. Settle contradictions between decisions first."
    ),
    gate.NO_GAIN: gettext_noop(
        "It is not shown to make fewer errors than the active version on the comments that were kept aside."
    ),
    gate.TOO_SMALL: gettext_noop("It makes fewer errors, but by so little that nobody would notice."),
    gate.BASE_RATES: gettext_noop(
        "It learned how often people say yes, and nothing that tells one comment from another. Other "
        "thresholds for the active version do the same."
    ),
}
GUARDS: Mapping[str, tuple[str, str]] = {
    "average_precision": (
        gettext_noop("Order of comments, here"),
        gettext_noop("How well harmful comments of the site stand above harmless ones; 1 is perfect."),
    ),
    "average_precision_base": (
        gettext_noop("Order of comments, base corpus"),
        gettext_noop("The same on the labelled file that was given as base."),
    ),
    "false_positives": (
        gettext_noop("False alarms per 1,000 comments"),
        gettext_noop("Of 1,000 comments of the site, how many are flagged though nothing is in them."),
    ),
    "calibration": (
        gettext_noop("Predicted over observed"),
        gettext_noop("Of what is flagged: how much harm scores promise for each harm found; 1 is honest."),
    ),
    "reported": (
        gettext_noop("Reported and confirmed"),
        gettext_noop("Comments that readers reported and people found harmful: the share that is flagged."),
    ),
    "identity": (
        gettext_noop("Harmless sentences that name a group"),
        gettext_noop("The share of friendly sentences about groups of people that is flagged for nothing."),
    ),
    "disguises": (
        gettext_noop("Disguised insults"),
        gettext_noop("Plainly harmful texts with disguised or misspelt words: the share that is flagged."),
    ),
    "rehearsed": (
        gettext_noop("Plain insults, kept"),
        gettext_noop("Plainly harmful texts, not from the site, that are flagged so far: the share kept."),
    ),
    "latency": (
        gettext_noop("Milliseconds a text"),
        gettext_noop("How long scoring one text takes on the machine that trained."),
    ),
    "flag_rate": (
        gettext_noop("Flagged share of comments"),
        gettext_noop("Of comments drawn at random, by the thresholds in force. Over a quarter: --force."),
    ),
    "hold_rate": (
        gettext_noop("Held share of comments"),
        gettext_noop("The same of what is hidden until somebody has looked."),
    ),
}
RATES = ("flag_rate", "hold_rate")
"""Guards that change no verdict, and that only a person may pass."""
STAGES: Mapping[str, str] = {
    "preparing": gettext_noop("preparing"),
    "training": gettext_noop("training"),
    "publishing": gettext_noop("registering the candidate"),
    "comparing": gettext_noop("comparing"),
}
NEEDS_FORCE = gettext_lazy(
    "It would change how many comments are flagged or held by over a quarter: a person has to activate it."
)
FEWER_FALSE_ALARMS = gettext_noop(
    "False alarms fell from %(old)s to %(new)s of 1,000 comments, so a shorter queue may be just what "
    "the decisions ask for. Read in the report which comments would no longer be flagged. If nearly all of "
    "them are harmless, activate it. If harmful ones are among them, keep the active version and review "
    "more of their kind."
)
FEWER_FLAGGED = gettext_noop(
    "Fewer comments would be flagged, and it is not known that false alarms are what fell. Read in the "
    "report which comments would no longer be flagged, and activate it only if nearly all of them are "
    "harmless."
)
MORE_FLAGGED = gettext_noop(
    "More comments would be flagged, so moderators get more to do. Read in the report which comments would "
    "be flagged from now on, and activate it only if most of them are harmful."
)


def decimal(number: float, places: int, *, signed: bool = False) -> str:
    """Return a number as the language in force writes it. signed: with a plus sign from 0 on."""
    sign = "-" if number < 0 else "+" if signed else ""
    return sign + number_format(f"{abs(number):.{places}f}", places)


def headline(result: str) -> str:
    """Return the verdict in a sentence."""
    return _(HEADLINES[result]) if result in HEADLINES else ""


def before_forcing(verdict: Verdict) -> str:
    """Return what to look at before a candidate is activated that changes a rate by over a quarter.

    Empty where no rate was measured to change.
    """
    by_name = {guard.name: guard for guard in verdict.guards if guard.is_measured}
    changed = [by_name[name] for name in RATES if name in by_name and not by_name[name].passed]
    if not changed:
        return ""
    if (changed[0].new or 0.0) > (changed[0].old or 0.0):
        return _(MORE_FLAGGED)
    alarms = by_name.get("false_positives")
    if alarms is None or (alarms.new or 0.0) >= (alarms.old or 0.0):
        return _(FEWER_FLAGGED)
    return _(FEWER_FALSE_ALARMS) % {
        "old": decimal(alarms.old or 0.0, 1),
        "new": decimal(alarms.new or 0.0, 1),
    }


def reason(code: str) -> str:
    """Return what stands against the candidate, in a sentence."""
    if code.startswith(gate.GUARD):
        name = guard_name(code.removeprefix(gate.GUARD))
        return _("%(guard)s: that got worse by more than is allowed.") % {"guard": name}
    return _(REASONS[code]) if code in REASONS else code


def guard_name(name: str) -> str:
    """Return what a guard measures, in a few words."""
    return _(GUARDS[name][0]) if name in GUARDS else name.replace("_", " ")


def guard_explained(name: str) -> str:
    """Return how to read a guard's figures; empty for one that this release does not know."""
    return _(GUARDS[name][1]) if name in GUARDS else ""


def stage(name: str) -> str:
    """Return the name of a stage of a training run."""
    return _(STAGES[name]) if name in STAGES else name


def allowance(guard: Guard) -> str:
    """Return by how much a guard's figure may be worse."""
    if guard.name in RATES:
        return _("25 % either way")
    if guard.is_ratio:
        return _("%(factor)s times") % {"factor": decimal(guard.allowance, 2)}
    if guard.name == "false_positives":
        return _("%(number)s more") % {"number": number_format(f"{guard.allowance:g}")}
    if guard.name.startswith("average_precision"):
        return _("%(number)s less") % {"number": number_format(f"{guard.allowance:g}")}
    points = {"points": number_format(f"{100 * guard.allowance:g}")}
    return (
        _("%(points)s points less") % points
        if guard.higher_is_better
        else _("%(points)s points more") % points
    )


def value(guard: Guard, figure: float | None) -> str:
    """Return a guard's figure as people read it; a dash where nothing was measured."""
    if figure is None:
        return "-"
    if guard.name in ("identity", "disguises", "rehearsed", "reported", *RATES):
        return f"{decimal(100 * figure, 1)} %"
    if guard.name in ("false_positives", "latency"):
        return decimal(figure, 1)
    return decimal(figure, 3 if guard.name.startswith("average_precision") else 2)
