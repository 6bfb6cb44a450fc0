"""Stores the articles that the demo site publishes."""

from django.db import models
from django.urls import reverse
from django.utils import timezone


class Article(models.Model):
    """One article in plain text, paragraphs parted by empty lines."""

    title = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    standfirst = models.CharField(max_length=240)
    byline = models.CharField(max_length=80)
    body = models.TextField()
    published = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-published", "-pk"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The article's own page."""
        return reverse("article", args=[self.slug])
