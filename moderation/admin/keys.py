"""Makes API keys in the admin, shows each once, lists and revokes them. Nobody changes one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_variables

from moderation.admin.read_only import ReadOnlyAdmin
from moderation.api_keys import making
from moderation.api_keys.origins import normalised
from moderation.audit import Actor
from moderation.conf import conf
from moderation.models import ApiKey

STATES = {
    "valid": gettext_lazy("valid"),
    "expired": gettext_lazy("expired"),
    "revoked": gettext_lazy("revoked"),
}


class OriginsField(forms.CharField):
    """Takes origins, one a line."""

    widget = forms.Textarea(attrs={"rows": 3, "cols": 50})

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def clean(self, value: Any) -> list[str]:
        """Return each in one spelling. Raises ValidationError for a line that is no origin."""
        try:
            return [normalised(origin) for origin in self.to_python(value)]
        except ValueError:
            raise ValidationError(
                _("One origin a line, such as https://example.org, without a path.")
            ) from None


class ApiKeyForm(forms.ModelForm):
    """Asks what a new key may do."""

    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope.choices, widget=forms.CheckboxSelectMultiple, label=gettext_lazy("Scopes")
    )
    origins = OriginsField(
        required=False,
        label=gettext_lazy("Origins"),
        help_text=gettext_lazy("Only pages of these may use it, one a line. Empty: anybody anywhere."),
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "quota", "origins", "expires")
        help_texts = {
            "name": gettext_lazy("Whose it is, or what for."),
            "quota": gettext_lazy("Empty: any number."),
            "expires": gettext_lazy("Empty: never."),
        }

    def clean_scopes(self) -> list[str]:
        """Return the scopes in their own order."""
        return making.in_order(self.cleaned_data["scopes"])

    def clean_expires(self) -> datetime | None:
        """Return a time to come, or None."""
        expires: datetime | None = self.cleaned_data["expires"]
        if expires is not None and expires <= timezone.now():
            raise ValidationError(_("This is over already."))
        return expires


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Makes keys for those who may add them, revokes them for those who may change them; shows each once."""

    form = ApiKeyForm
    list_display = ("name", "prefix", "scope_names", "quota_shown", "last_used", "state_shown", "expires")
    search_fields = ("name", "prefix")
    actions = ("revoke_selected",)
    change_form_template = "admin/moderation/apikey/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """True where the user may revoke keys. Django's permission to change them stands for it."""
        return admin.ModelAdmin.has_change_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return ApiKeyForm.Meta.fields
        return (
            *("name", "prefix", "scope_names", "quota_shown", "origins_shown", "state_shown"),
            *("user", "expires", "revoked", "last_used", "created", "created_by_name"),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.get_fields(request, obj) if obj is not None else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"quota": conf.API_KEY_QUOTA, **super().get_changeform_initial_data(request)}

    def get_urls(self) -> list[URLPattern]:
        revoke = path(
            "revoke/", self.admin_site.admin_view(self.revoke_view), name="moderation_apikey_revoke"
        )
        return [revoke, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm, change: bool) -> None:
        """Make the key and keep it for the page that answers this request."""
        self._issue(request, obj)

    @sensitive_variables("raw")
    def _issue(self, request: HttpRequest, key: ApiKey) -> None:
        if ApiKey.Scope.REVIEW in key.scopes:
            # never somebody else, whose permissions the maker may not have
            key.user = request.user  # type: ignore[assignment]  # nobody anonymous
        raw = making.issue(key, actor=Actor.of(request.user))  # type: ignore[arg-type]  # nobody anonymous
        request.issued_api_key = raw  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: Any = None) -> HttpResponse:
        """Return the page with the key, not a redirect: a message would lie in a session or a cookie."""
        return self._page(
            request,
            "made",
            title=_("The API key “%(name)s” was made") % {"name": obj.name},
            key=obj,
            raw=request.issued_api_key,  # type: ignore[attr-defined]
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        # Each of the other two buttons would promise a page that does not show the key.
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        key = kwargs.get("obj")
        if key is not None and key.revoked is None and self.has_revoke_permission(request):
            context["revoke_url"] = _revoke_address([key.pk])
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description=gettext_lazy("Revoke the selected keys"), permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse:
        """Send the user to the page that asks first."""
        return HttpResponseRedirect(_revoke_address(queryset.values_list("pk", flat=True)))

    def revoke_view(self, request: HttpRequest) -> HttpResponse:
        """Show which keys are meant; revoke them when the form is posted."""
        if not self.has_revoke_permission(request):
            raise PermissionDenied
        given = (request.POST if request.method == "POST" else request.GET).get("ids", "")
        ids = [int(part) for part in given.split(",")[:1000] if part.isdecimal() and len(part) < 19]
        keys = list(ApiKey.objects.filter(pk__in=ids, revoked=None))
        if request.method == "POST" or not keys:
            self._revoke(request, keys)
            return HttpResponseRedirect(reverse("admin:moderation_apikey_changelist"))
        joined = ",".join(str(key.pk) for key in keys)
        return self._page(request, "revoke", title=_("Revoke?"), keys=keys, ids=joined)

    def _revoke(self, request: HttpRequest, keys: list[ApiKey]) -> None:
        actor = Actor.of(request.user)  # type: ignore[arg-type]  # the admin lets no anonymous user in
        count = sum(making.revoke(key, actor=actor) for key in keys)
        text = ngettext("%(count)d key was revoked.", "%(count)d keys were revoked.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/moderation/apikey/{name}.html", whole)

    @admin.display(description=gettext_lazy("scopes"))
    def scope_names(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description=gettext_lazy("requests a minute"), ordering="quota")
    def quota_shown(self, key: ApiKey) -> str:
        return _("any number") if key.quota is None else str(key.quota)

    @admin.display(description=gettext_lazy("origins"))
    def origins_shown(self, key: ApiKey) -> str:
        return ", ".join(key.origins) or _("any")

    @admin.display(description=gettext_lazy("state"))
    def state_shown(self, key: ApiKey) -> str:
        return str(STATES[key.state])


def _revoke_address(ids: Iterable[int]) -> str:
    return reverse("admin:moderation_apikey_revoke") + "?ids=" + ",".join(map(str, ids))
