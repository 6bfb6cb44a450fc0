"""What became of a writer's own comments: told to the session that wrote them, and to nobody else."""

from dataclasses import dataclass

from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django_comments.models import Comment

from moderation.models import Screening
from moderation.review.notices import State, notice_for
from mysite.articles.models import Article

KEY = "own_comments"
MOST = 50
"""How many comments a session keeps in mind, the newest ones."""

WAITS = "waits for a moderator"
APPROVED = "was approved"
HIDDEN = "was hidden"


@dataclass(frozen=True)
class InReview:
    """A comment of the reader's own that a moderator has looked at or will look at."""

    comment: Comment
    state: str

    @property
    def waits(self) -> bool:
        """True where no moderator has decided, so that there is no more to say of it."""
        return self.state == WAITS

    @property
    def is_public(self) -> bool:
        """True where it stands among the others."""
        return self.state == APPROVED


def remember(request: HttpRequest, comment: Comment) -> None:
    """Keep in mind that a comment was written in this session."""
    request.session[KEY] = [*request.session.get(KEY, []), comment.pk][-MOST:]


def in_review(request: HttpRequest, article: Article) -> list[InReview]:
    """The session's own comments on an article that were held back, newest first, each with its state."""
    keys = request.session.get(KEY, [])
    if not keys:
        return []
    comments = Comment.objects.filter(
        pk__in=keys,
        content_type=ContentType.objects.get_for_model(Article),
        object_pk=str(article.pk),
        is_removed=False,
    ).order_by("-submit_date", "-pk")
    screenings = Screening.objects.filter(
        content_type=ContentType.objects.get_for_model(Comment),
        object_id__in=[str(key) for key in keys],
        is_current=True,
    )
    by_key = {screening.object_id: screening for screening in screenings}
    states = ((comment, _state(comment, by_key.get(str(comment.pk)))) for comment in comments)
    return [InReview(comment, state) for comment, state in states if state]


def _state(comment: Comment, screening: Screening | None) -> str:
    """In words; empty for a comment that nobody ever held back."""
    notice = notice_for(screening) if screening is not None else None
    if not comment.is_public:
        return HIDDEN if notice is not None and notice.state is State.HIDDEN else WAITS
    return APPROVED if notice is not None and notice.state is State.SHOWN else ""
