"""Makes the dashboard's tables from stored figures: pure functions, cells for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from moderation.admin.dashboard import charts
from moderation.admin.dashboard.charts import Bars, Whisker
from moderation.admin.display.label_names import label_name
from moderation.admin.display.language_names import name_of
from moderation.admin.display.safe_text import visible
from moderation.models import Review, Screening
from moderation.monitoring.figures import Waiting

TOP = 15
"""Authors and pages that are shown."""
DAYS_BY_DAY = 31
"""Of more days the table has a row for each week."""
ANY, OUTCOME = "any", "outcome"
ALPHA_FROM = -0.2
"""Where the line of an agreement begins; less than chance is rare, and stands at its end."""

WAITED = {
    "minute": gettext_lazy("under a minute"),
    "quarter": gettext_lazy("1 to 15 minutes"),
    "hour": gettext_lazy("15 minutes to 1 hour"),
    "hours4": gettext_lazy("1 to 4 hours"),
    "day": gettext_lazy("4 hours to 1 day"),
    "days3": gettext_lazy("1 to 3 days"),
    "week": gettext_lazy("3 to 7 days"),
    "longer": gettext_lazy("over 7 days"),
}
Day = tuple[date, Mapping[str, Any]]
"""A day with its counts; empty while nobody has made them."""


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table."""

    shown: Any
    """Text, safe where it came from a person."""
    value: Any = None
    """As a program wants it; what is shown, by default."""
    whisker: Whisker | None = None
    is_number: bool = False
    query: str = ""
    """Filters of the queue that list what is meant; empty: no link."""

    @property
    def plain(self) -> Any:
        """What a program reads."""
        return str(self.shown) if self.value is None else self.value


@dataclass(frozen=True)
class Table:
    """One table with its heading."""

    key: str
    """As addresses have it."""
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    chart: Bars | None = None
    empty: str = field(default_factory=lambda: _("Nothing in this time."))


def waiting(now: Waiting, suggested: int) -> Table:
    """Say what waits for a person now, and for how long."""
    rows = [
        [Cell(str(Screening.QueuedFor(reason).label).capitalize()), _count(count)]
        for reason, count in now.by_reason.items()
        if count or reason in (Screening.QueuedFor.HELD, Screening.QueuedFor.FLAGGED)
    ]
    if suggested:
        rows.append([Cell(_("Suggested")), _count(suggested)])
    rows.append([Cell(_("The oldest of them waits for")), _age(now.oldest)])
    rows.append([Cell(_("The oldest hidden comment waits for")), _age(now.oldest_held)])
    note = _("Among the 10,000 most severe. Random items count with the flagged ones.")
    return Table("waiting", _("Open now"), [_("Item"), _("Number")], rows, note)


def days(counted: Sequence[Day]) -> Table:
    """List what came in and what was decided by day, or by week where the days are many."""
    groups = (
        _by_week(counted) if len(counted) > DAYS_BY_DAY else [(_day(day), [data]) for day, data in counted]
    )
    kinds = [
        ("held", _("held")),
        ("flagged", _("flagged")),
        ("clear", _("clear")),
        ("other", _("without a verdict")),
    ]
    columns = [(_day(day), _verdicts(data)) for day, data in counted]
    rows = []
    for name, group in groups:
        verdicts = [sum(numbers) for numbers in zip(*map(_verdicts, group), strict=True)]
        outcomes = _sum(group, "outcomes")
        open_items = [data["open"] for data in group if "open" in data]
        rows.append(
            [
                Cell(name),
                *map(_count, (sum(verdicts), *verdicts)),
                *map(_count, (outcomes["hide"] + outcomes["show"], outcomes["hide"], outcomes["show"])),
                _count(open_items[-1]) if open_items else Cell("\u2013", ""),
            ]
        )
    heads = [_("When"), _("Came in"), _("Held"), _("Flagged"), _("Clear"), _("Without a verdict")]
    heads += [_("Decided"), _("Hidden"), _("Shown"), _("Open at the end")]
    note = _(
        "Flagged: with random items that are open still. Without a verdict: to be scored, failed, or "
        "another language."
    )
    chart = charts.bars(_("Comments that came in, by day"), kinds, columns)
    return Table("days", _("What came in and what was decided"), heads, list(reversed(rows)), note, chart)


def decisions(data: Sequence[Mapping[str, Any]]) -> Table:
    """Count the decisions by what was decided, and what was taken back or judged twice."""
    by_kind = _sum(data, "kinds")
    made = _sum(data, "decisions")
    rows = [
        [Cell(str(label).capitalize()), _count(made[name]), _share(made[name], made.total())]
        for name, label in Review.Decision.choices
    ]
    others = (Review.Kind.UNDO, Review.Kind.SECOND_OPINION)
    rows += [[Cell(str(kind.label).capitalize()), _count(by_kind[kind]), Cell("", "")] for kind in others]
    return Table("decisions", _("Decisions"), [_("Decision"), _("Number"), _("Share")], rows)


def waits(data: Sequence[Mapping[str, Any]]) -> Table:
    """Say how long items had waited when somebody decided."""
    counts = _sum(data, "waited")
    whole, so_far, rows = counts.total(), 0, []
    for name, words in WAITED.items():
        so_far += counts[name]
        rows.append([Cell(str(words)), _count(counts[name]), _share(so_far, whole)])
    columns = [(str(words), [counts[name]]) for name, words in WAITED.items()]
    chart = charts.bars(_("Time to the decision"), [("clear", _("decisions"))], columns)
    heads = [_("Since the comment was made"), _("Decisions"), _("Share up to here")]
    return Table("waits", _("Time to the decision"), heads, rows if whole else [], chart=chart)


def reviewers(data: Sequence[Mapping[str, Any]]) -> Table:
    """Count the decisions of each moderator; for those who lead."""
    counts = _sum(data, "reviewers")
    rows = [[Cell(_name(name), name), _count(count)] for name, count in counts.most_common()]
    note = _("How many say little: long and hard texts take their time. Only who may lead sees this table.")
    return Table("reviewers", _("Decisions by moderator"), [_("Moderator"), _("Decisions")], rows, note)


def quality(estimates: Mapping[str, Any], labels: Sequence[str]) -> Table:
    """Estimate by label how much of what is flagged is harmless, and how much of what is true is missed."""
    found = estimates.get("quality", {})
    rows = [
        [
            Cell(_label(name)),
            *(_estimate(found.get(name, {}).get(of), is_inverse=True) for of in ("precision", "recall")),
        ]
        for name in (ANY, *labels)
    ]
    heads = [_("Label"), _("False positives among the flagged"), _("Missed among the true")]
    note = _(
        "95 %% intervals; each item weighs as many as it stands for. False positives: of what is flagged "
        "down to where the queue was read. Missed: from %(random)s random items of %(decided)s decided ones."
    ) % {"random": _number(estimates.get("random", 0)), "decided": _number(estimates.get("decided", 0))}
    return Table("quality", _("How often the model is wrong"), heads, rows, note)


def agreement(estimates: Mapping[str, Any], labels: Sequence[str]) -> Table:
    """Show Krippendorff's alpha by label, between moderators and with the model."""
    people, model = estimates.get("between_people", {}), estimates.get("with_model", {})
    rows = [
        [Cell(_("hide or show")), *_alpha(people.get(OUTCOME)), *_alpha(model.get(ANY))],
        *([Cell(_label(name)), *_alpha(people.get(name)), *_alpha(model.get(name))] for name in labels),
    ]
    heads = [_("Question"), _("Between moderators"), _("Items"), _("With the model"), _("Items")]
    note = _(
        "Krippendorff's alpha: 1 is full agreement, 0 is chance; little can be built on less than 0.67. "
        "Between moderators: %(count)s items that two judged apart. With the model: weighted to the site."
    ) % {"count": _number(estimates.get("second_opinions", 0))}
    return Table("agreement", _("How far people agree"), heads, rows, note)


def over_time(key: str, title: str, periods: Iterable[Mapping[str, Any]]) -> Table:
    """Show the estimates of each week or month, the newest first."""
    rows = []
    for period in periods:
        of_any = period["quality"].get(ANY, {})
        start, end = (date.fromisoformat(period[name][:10]) for name in ("since", "until"))
        rows.append(
            [
                Cell(f"{_day(start)} \u2013 {_day(end)}", start.isoformat()),
                _count(period["decided"]),
                _estimate(of_any.get("precision"), is_inverse=True),
                _estimate(of_any.get("recall"), is_inverse=True),
                _alpha(period["between_people"].get(OUTCOME))[0],
                _alpha(period["with_model"].get(ANY))[0],
            ]
        )
    heads = [
        _("When"),
        _("Decided"),
        _("False positives"),
        _("Missed"),
        _("Moderators agree"),
        _("With the model"),
    ]
    return Table(key, title, heads, list(reversed(rows)))


def authors(data: Sequence[Mapping[str, Any]]) -> Table:
    """List the authors of most that was flagged and held."""

    def name(row: Mapping[str, Any]) -> Cell:
        key = str(row.get("author_key") or "")
        shown = str(row.get("author_name") or "") or f"# {key}"
        return Cell(_name(shown), shown, query=_search("author", key))

    heads = [_("Author"), _("Comments"), _("Flagged"), _("Hidden"), _("Shown")]
    return Table("authors", _("Authors of most that was flagged"), heads, _top(data, "authors", name))


def pages(data: Sequence[Mapping[str, Any]], title_of: Callable[[str], str]) -> Table:
    """List the pages with most that was flagged and held. title_of: names the page of a key."""

    def name(row: Mapping[str, Any]) -> Cell:
        title = title_of(str(row["page_key"]))
        return Cell(_name(title), title, query=_search("page", str(row["page_key"])))

    heads = [_("Page"), _("Comments"), _("Flagged"), _("Hidden"), _("Shown")]
    return Table("pages", _("Pages with most that was flagged"), heads, _top(data, "pages", name))


def languages(data: Sequence[Mapping[str, Any]]) -> Table:
    """Count what came in by language."""
    counts = _sum(data, "languages")
    rows = [
        [
            Cell(_name(name_of(tag)) if tag else _("not known"), tag),
            _count(count),
            _share(count, counts.total()),
        ]
        for tag, count in counts.most_common(TOP)
    ]
    return Table("languages", _("Languages"), [_("Language"), _("Comments"), _("Share")], rows)


def versions(data: Sequence[Mapping[str, Any]]) -> Table:
    """Count what came in by the model version that judged it."""
    counts = _sum(data, "versions")
    rows = [
        [Cell(_name(name), name), _count(count), _share(count, counts.total())]
        for name, count in counts.most_common(TOP)
    ]
    return Table("versions", _("Model versions"), [_("Version"), _("Comments"), _("Share")], rows)


def _by_week(counted: Sequence[Day]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    weeks: dict[date, list[Mapping[str, Any]]] = {}
    for day, data in counted:
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(data)
    return [(_("week of %(day)s") % {"day": _day(day)}, data) for day, data in weeks.items()]


def _verdicts(data: Mapping[str, Any]) -> list[int]:
    """Held, flagged, clear, and the rest."""
    counts = Counter(data.get("verdicts", {}))
    known = [counts[name] for name in ("held", "flagged", "clear")]
    return [*known, counts.total() - sum(known)]


def _sum(data: Iterable[Mapping[str, Any]], name: str) -> Counter[str]:
    whole: Counter[str] = Counter()
    for day in data:
        whole.update(day.get(name, {}))
    return whole


def _top(
    data: Iterable[Mapping[str, Any]], of: str, name: Callable[[Mapping[str, Any]], Cell]
) -> list[list[Cell]]:
    """Add up each day's top rows, and return those with most that was flagged."""
    numbers = ("texts", "flagged", "hidden", "shown")
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    rows: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for day in data:
        for row in day.get(of, []):
            key = tuple(row[column] for column in sorted(row) if column not in numbers)
            rows[key] = row
            sums.setdefault(key, Counter()).update({number: row[number] for number in numbers})
    best = sorted(sums, key=lambda key: (-sums[key]["flagged"], key))[:TOP]
    return [[name(rows[key]), *(_count(sums[key][number]) for number in numbers)] for key in best]


def _count(number: int) -> Cell:
    return Cell(_number(number), number, is_number=True)


def _share(part: int, whole: int) -> Cell:
    if not whole:
        return Cell("\u2013", "", is_number=True)
    return Cell(_percent(part / whole), round(part / whole, 4), is_number=True)


def _age(seconds: float) -> Cell:
    if not seconds:
        return Cell("\u2013", 0, is_number=True)
    hours = seconds / 3600
    if seconds < 60:
        return Cell(_("less than a minute"), round(seconds), is_number=True)
    if hours >= 48:
        days = round(hours / 24)
        shown = ngettext("%(count)s day", "%(count)s days", days) % {"count": _number(days)}
    elif hours >= 1:
        shown = _("%(count)s hours") % {"count": _number(hours, 1)}
    else:
        minutes = round(seconds / 60)
        shown = ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": _number(minutes)}
    return Cell(shown, round(seconds), is_number=True)


def _estimate(found: Mapping[str, float | None] | None, *, is_inverse: bool = False) -> Cell:
    """Show a share with its interval, or "not enough". is_inverse: what is left of the whole."""
    if not found or found["value"] is None:
        return Cell(_("not enough"), "")
    low, value, high = (float(found[name] or 0) for name in ("low", "value", "high"))
    if is_inverse:
        low, value, high = 1 - high, 1 - value, 1 - low
    shown = _("%(value)s (%(low)s to %(high)s)") % {
        "value": _percent(value),
        "low": _percent(low),
        "high": _percent(high),
    }
    plain = f"{value:.4f} ({low:.4f} to {high:.4f})"
    return Cell(shown, plain, charts.whisker(low, value, high))


def _alpha(found: Mapping[str, Any] | None) -> tuple[Cell, Cell]:
    """Return an agreement with its interval, and the number of items that it rests on."""
    items = _count(found["items"] if found else 0)
    if not found or found["value"] is None:
        return Cell(_("not enough"), ""), items
    low, value, high = (float(found[name]) for name in ("low", "value", "high"))
    numbers = {"value": _number(value, 2), "low": _number(low, 2), "high": _number(high, 2)}
    shown = _("%(value)s (%(low)s to %(high)s)") % numbers
    plain = f"{value:.4f} ({low:.4f} to {high:.4f})"
    return Cell(shown, plain, charts.whisker(low, value, high, start=ALPHA_FROM)), items


def _search(what: str, value: str) -> str:
    """Return the filters of the queue that find all of an author or a page by its key; none without one."""
    return "" if not value or '"' in value else urlencode({"state": "all", "q": f'{what}:"{value}"'})


def _label(name: str) -> str:
    return _("any label") if name == ANY else label_name(name)


def _name(text: str) -> Any:
    """Show a name that a person chose."""
    return visible(text[:100])


def _number(number: float, places: int = 0) -> str:
    return number_format(f"{number:.{places}f}", places, use_l10n=True, force_grouping=True)


def _percent(share: float) -> str:
    return _("%(number)s %%") % {
        "number": _number(100 * share, 0 if share in (0.0, 1.0) or 0.1 <= share <= 0.995 else 1)
    }


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")
