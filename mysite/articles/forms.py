"""The comment form: django-contrib-comments' own, with name and e-mail address left to the writer."""

from typing import Any

from django import forms
from django_comments.forms import CommentForm
from django_comments.models import Comment

from moderation.nudging.forms import NudgeFormMixin

ANONYMOUS = "Anonymous"


class ArticleCommentForm(NudgeFormMixin, CommentForm):
    """Keeps the honeypot, the signed timestamp and the duplicate check; asks for nothing but a comment.

    Who writes what may be read as an insult is told so, once, and may post it anyway.
    """

    nudge_fields = ("comment",)
    nudge_model = Comment

    name = forms.CharField(
        required=False,
        max_length=50,
        widget=forms.TextInput(attrs={"autocomplete": "nickname", "placeholder": ANONYMOUS}),
    )
    email = forms.EmailField(
        label="Email address",
        required=False,
        help_text="Never shown.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    comment = forms.CharField(
        max_length=3000,
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": "What do you think?"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        del self.fields["url"]
        # Out of a person's way: not in the tab order, and never filled in by the browser.
        self.fields["honeypot"].widget.attrs.update(tabindex="-1", autocomplete="off")

    def wants_nudge(self) -> bool:
        """True unless the writer wants to see the comment first."""
        return "preview" not in self.data

    def clean_name(self) -> str:
        """A comment without a name is signed as anonymous."""
        return self.cleaned_data["name"] or ANONYMOUS

    def get_comment_create_data(self, site_id: int | None = None) -> dict[str, Any]:
        """The new comment's columns; writers leave no web address here."""
        self.cleaned_data.setdefault("url", "")
        data: dict[str, Any] = super().get_comment_create_data(site_id=site_id)
        return data
