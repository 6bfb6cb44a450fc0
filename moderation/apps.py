"""Django's entry into the app: connects the receivers once every model is loaded."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ModerationConfig(AppConfig):
    """Comment moderation."""

    name = "moderation"
    verbose_name = _("Moderation")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load the checks, register the models of the setting, and listen for saves and for workers."""
        from moderation import isolation, registry
        from moderation.checks import configuration
        from moderation.review import counting
        from moderation.screening import receivers
        from moderation.visitors import contrib_comments
        from moderation.worker import sweeper

        configuration.connect()
        isolation.connect()
        registry.load_setting()
        receivers.connect()
        counting.connect()
        contrib_comments.connect()
        sweeper.connect()
