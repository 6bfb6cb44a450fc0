"""Articles in the admin."""

from django.contrib import admin

from mysite.articles.models import Article

admin.site.site_header = "The Market Square"
admin.site.site_title = "The Market Square"
admin.site.index_title = "Behind the scenes"


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    list_display = ["title", "byline", "published"]
    search_fields = ["title", "body"]
    prepopulated_fields = {"slug": ["title"]}
