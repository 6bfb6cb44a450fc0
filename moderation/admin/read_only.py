"""Holds what all pages of stored rows in the admin share: nobody changes the rows by hand."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from moderation.admin.paginator import BoundedPaginator


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows and lets nobody add, change or delete one."""

    actions: Sequence[str] | None = None
    paginator = BoundedPaginator
    show_full_result_count = False
    takes_null_characters = False
    """True where the list's own filters take null characters out of what an address asks for."""

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Make the list; what is asked for with a null character, which PostgreSQL has not, is not there."""
        asked = ((name, value) for name, values in request.GET.lists() for value in values)
        if not self.takes_null_characters and any("\x00" in f"{value}{name}" for name, value in asked):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list under the name of what it lists: nothing is to be selected there."""
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
