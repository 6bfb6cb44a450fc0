"""App configuration of the articles."""

from django.apps import AppConfig


class ArticlesConfig(AppConfig):
    name = "mysite.articles"
    verbose_name = "Articles"

    def ready(self) -> None:
        from mysite.articles import thanks  # noqa: F401  (connects the receiver)
