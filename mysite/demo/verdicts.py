"""What became of the comments, as rows and as a table for the terminal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.contenttypes.models import ContentType
from django_comments.models import Comment
from rich import box
from rich.table import Table
from rich.text import Text

from moderation.models import Scoring, Screening
from mysite.demo.samples import SAMPLES, Expectation

VERDICT_STYLES = {"clear": "green", "flagged": "yellow", "held": "bold red", "failed": "reverse red"}
SHOWN_CHARACTERS = 150


@dataclass(frozen=True)
class CommentVerdict:
    """One comment and what is known of it so far."""

    name: str
    text: str
    verdict: str
    """clear, flagged or held; failed; or empty while it waits."""
    scores: dict[str, float]
    thresholds: dict[str, float]
    expected: Expectation | None
    """None for comments that are not the demo's own."""

    @property
    def is_decided(self) -> bool:
        return bool(self.verdict)

    @property
    def is_as_expected(self) -> bool:
        """True where friendly is clear and toxic is not; open ones and those of other people always are."""
        match self.expected:
            case "clear":
                return self.verdict == "clear"
            case "toxic":
                return self.verdict in {"flagged", "held"}
            case _:
                return True


def newest_verdicts(count: int) -> list[CommentVerdict]:
    """The newest comments, oldest of them first."""
    comments = list(Comment.objects.order_by("-pk")[:count])[::-1]
    screenings = Screening.objects.filter(
        content_type=ContentType.objects.get_for_model(Comment),
        object_id__in=[str(comment.pk) for comment in comments],
        is_current=True,
    )
    by_comment = {screening.object_id: screening for screening in screenings}
    scorings = {
        scoring.screening_id: scoring
        for scoring in Scoring.objects.filter(screening__in=by_comment.values(), is_basis=True)
    }
    expected = {(sample.name, sample.text): sample.expected for sample in SAMPLES}
    verdicts = []
    for comment in comments:
        screening = by_comment.get(str(comment.pk))
        scoring = scorings.get(screening.pk) if screening else None
        failed = screening is not None and screening.status == Screening.Status.FAILED
        verdicts.append(
            CommentVerdict(
                name=comment.name,
                text=comment.comment,
                verdict="failed" if failed else screening.verdict if screening else "",
                scores=scoring.scores if scoring else {},
                thresholds=scoring.thresholds if scoring else {},
                expected=expected.get((comment.name, comment.comment)),
            )
        )
    return verdicts


def table_of(verdicts: Sequence[CommentVerdict]) -> Table:
    """One row a comment: who, what, the verdict, and a column for each label's score in per cent."""
    labels = _labels(verdicts)
    table = Table(
        caption="Scores in per cent; bold: over the threshold",
        expand=True,
        pad_edge=False,
        box=box.SIMPLE_HEAD,
    )
    table.add_column("Comment", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("Verdict")
    for label in labels:
        table.add_column(label.replace("_", "\n"), justify="right")
    for row in verdicts:
        verdict = Text(row.verdict or "waiting", style=VERDICT_STYLES.get(row.verdict, "dim"))
        if row.is_decided and not row.is_as_expected:
            verdict.append(" (?)", style="bold")
        table.add_row(
            Text.assemble((printable(row.name), "bold"), " ", printable(row.text)),
            verdict,
            *(_score(row, label) for label in labels),
        )
    return table


def summary_of(verdicts: Sequence[CommentVerdict]) -> str:
    """The table in one line."""
    stopped = sum(row.verdict in {"flagged", "held"} for row in verdicts)
    clear = sum(row.verdict == "clear" for row in verdicts)
    parts = [f"{len(verdicts)} comments: {stopped} flagged or held, {clear} clear"]
    if waiting := sum(not row.is_decided for row in verdicts):
        parts.append(f"{waiting} not yet screened")
    if off := sum(row.is_decided and not row.is_as_expected for row in verdicts):
        parts.append(f"{off} not as expected, marked (?)")
    return ", ".join(parts) + "."


def printable(text: str) -> str:
    """A text on one line, without what could steer a terminal or turn its direction."""
    shown = "".join(character if character.isprintable() else " " for character in text[:SHOWN_CHARACTERS])
    return " ".join(shown.split())


def _labels(verdicts: Iterable[CommentVerdict]) -> list[str]:
    """Every label that a score is known of, in the order of the model."""
    return list(dict.fromkeys(label for row in verdicts for label in row.scores))


def _score(row: CommentVerdict, label: str) -> Text:
    if label not in row.scores:
        return Text("")
    score = row.scores[label]
    is_over = score >= row.thresholds.get(label, 1.0)
    return Text(f"{100 * score:.0f}", style="bold red" if is_over else "dim")
