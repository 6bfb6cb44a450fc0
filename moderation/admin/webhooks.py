"""Webhooks in the admin, for superusers alone: made, changed, tested, and how each delivery fared."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from moderation.admin.read_only import ReadOnlyAdmin
from moderation.audit import Actor
from moderation.models import Webhook, WebhookDelivery
from moderation.webhooks import addresses, delivery, making, outbox

TEST, SECRET = "_test", "_secret"
"""Names of the buttons below the form."""


class ForSuperusers(admin.ModelAdmin):
    """Is there for superusers alone, whatever permissions others were given; nothing is deleted by hand."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class WebhookForm(forms.ModelForm):
    """Takes a webhook; the URL is checked as far as it can be without asking a name server."""

    events = forms.MultipleChoiceField(
        choices=Webhook.Event.choices, widget=forms.CheckboxSelectMultiple, label=gettext_lazy("Events")
    )

    class Meta:
        model = Webhook
        fields = ("name", "url", "events", "includes_text", "is_enabled")
        help_texts = {
            "url": gettext_lazy("https, to a public address."),
            "includes_text": gettext_lazy("Sends what people wrote to that address."),
        }

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            addresses.parse(url)
        except addresses.Refused as error:
            raise forms.ValidationError(str(error)) from error
        return url


@admin.register(Webhook)
class WebhookAdmin(ForSuperusers):
    """Makes and changes webhooks; the secret is shown once, on the page that answers."""

    form = WebhookForm
    actions = None
    change_form_template = "admin/moderation/webhook/change_form.html"
    list_display = ("name", "address", "is_enabled", "state", "last_delivered", "failing_since", "last_error")
    readonly_fields = (
        "state",
        "last_delivered",
        "failing_since",
        "failures",
        "last_error",
        "created_by_name",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def get_fields(self, request: HttpRequest, obj: Webhook | None = None) -> Any:
        return (*making.EDITABLE, *(self.readonly_fields if obj is not None else ()))

    def save_model(self, request: HttpRequest, obj: Webhook, form: forms.ModelForm, change: bool) -> None:
        """Store the webhook with its audit entry; the admin runs this in one transaction."""
        actor = Actor(request.user, request.user.get_username())
        if change:
            making.change(obj, actor)
        else:
            request.moderation_secret = making.create(obj, actor)  # type: ignore[attr-defined]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Keep no second record beside the audit trail."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Keep no second record beside the audit trail."""

    def response_add(self, request: HttpRequest, obj: Webhook, post_url_continue: Any = None) -> HttpResponse:
        return self._show_secret(request, obj, request.moderation_secret)  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Webhook) -> HttpResponse:
        if SECRET in request.POST:
            actor = Actor(request.user, request.user.get_username())
            return self._show_secret(request, obj, making.renew_secret(obj, actor))
        if TEST in request.POST:
            if obj.is_enabled:
                outbox.note_test(obj)
                messages.success(request, _("A test event is on its way; see the deliveries."))
            else:
                messages.warning(request, _("A webhook that is switched off is sent nothing."))
            stays = request.POST.copy()
            stays["_continue"] = "1"
            request.POST = stays  # type: ignore[assignment]
        return super().response_change(request, obj)

    @admin.display(description=gettext_lazy("address"))
    def address(self, webhook: Webhook) -> str:
        """Say where it goes, without its path, which may hold a token."""
        return webhook.where

    @admin.display(description=gettext_lazy("state"))
    def state(self, webhook: Webhook) -> str:
        """Say in a word how it fares."""
        if not webhook.is_enabled:
            return _("switched off")
        if webhook.failing_since is not None:
            return _("failing")
        return _("well") if webhook.last_delivered is not None else _("nothing sent yet")

    def _show_secret(self, request: HttpRequest, webhook: Webhook, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Secret of the webhook %(name)s") % {"name": webhook.name},
            "webhook": webhook,
            "secret": secret,
            "opts": self.opts,
        }
        response = TemplateResponse(request, "admin/moderation/webhook/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ForSuperusers, ReadOnlyAdmin):
    """Shows the outbox: what was told to whom, and what waits or was given up."""

    actions = ("send_again",)
    list_display = ("id", "webhook", "event", "screening_id", "status", "attempts", "last_error", "created")
    list_filter = ("status", "event", "webhook")
    list_select_related = ("webhook",)
    fields = (
        *("webhook", "event", "event_id", "payload", "status", "attempts"),
        *("last_error", "retry_at", "created", "ended"),
    )

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """True where this user may have deliveries sent again."""
        return _is_superuser(request)

    @admin.action(description=gettext_lazy("Send again what ended"), permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Have the chosen deliveries sent once more, under their old event ids."""
        count = delivery.send_again(list(queryset.values_list("pk", flat=True)))
        text = ngettext("%(count)d is sent again.", "%(count)d are sent again.", count)
        messages.success(request, text % {"count": count})


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
