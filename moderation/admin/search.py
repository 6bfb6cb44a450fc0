"""Finds screenings by the exact id of their object or author, by an index for each."""

from django.contrib.contenttypes.models import ContentType
from django.db.models import Q


def of_object(key: str) -> Q:
    """Select screenings of objects with this key; names all content types, as their index begins with it."""
    return Q(content_type__in=list(ContentType.objects.values_list("pk", flat=True)), object_id=key)


def of_object_or_author(key: str) -> Q:
    """Select screenings of objects with this key, or by authors with it."""
    return of_object(key) | Q(author_key=key)
