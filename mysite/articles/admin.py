"""Articles in the admin."""

from django.contrib import admin

from mysite.articles.models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    list_display = ["title", "byline", "published"]
    search_fields = ["title", "body"]
    prepopulated_fields = {"slug": ["title"]}
