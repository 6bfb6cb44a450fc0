from datetime import timedelta

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

from mysite.articles.sample_articles import SAMPLE_ARTICLES


def add(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Article = apps.get_model("articles", "Article")
    now = timezone.now()
    for sample in SAMPLE_ARTICLES:
        fields = sample._asdict()
        published = now - timedelta(days=fields.pop("days_old"))
        Article.objects.get_or_create(slug=fields.pop("slug"), defaults={**fields, "published": published})


class Migration(migrations.Migration):
    dependencies = [("articles", "0001_initial")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop, elidable=True)]
