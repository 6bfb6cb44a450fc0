"""What every page of stored rows in the admin has in common: nobody changes them by hand."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from moderation.admin.paginator import BoundedPaginator


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that nobody changes by hand."""

    actions = None
    paginator = BoundedPaginator
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
