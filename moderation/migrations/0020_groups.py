"""Makes three groups for the people of the queue, and takes away permissions that never did anything.

A group that the site has by that name already is left as it is: its members were not chosen for this. Who
could look at a page because of a permission to change its rows keeps it by the permission to view them.
"""

from typing import Any

from django.conf import settings
from django.db import migrations, transaction
from django.db.models import ProtectedError, RestrictedError

NAMES = {
    "review_screening": "Can review screenings",
    "lead_reviews": "Can lead moderation and correct others",
    "view_screening": "Can view screening",
    "view_review": "Can view review",
    "view_auditentry": "Can view audit entry",
    "view_modelversion": "Can view model version",
    "view_trainingrun": "Can view training run",
    "view_screeningrun": "Can view screening run",
    "add_policy": "Can add policy",
    "view_policy": "Can view policy",
}
"""{codename: name}, as Django writes it after the migrations, where it finds the row and leaves it."""
MODELS = {"review_screening": "screening", "lead_reviews": "screening"}
"""{codename: model} where the codename does not end with it."""
RECORDS = ("view_review", "view_auditentry", "view_policy", "view_modelversion", "view_screeningrun")
GROUPS = {
    "Moderators": ("review_screening",),
    "Moderation leads": ("review_screening", "lead_reviews", "add_policy", *RECORDS, "view_trainingrun"),
    "Moderation auditors": ("view_screening", *RECORDS, "view_trainingrun"),
}
KEPT = {
    "apikey": ("add", "change", "view"),
    "auditentry": ("view",),
    "modelversion": ("view",),
    "policy": ("add", "view"),
    "review": ("view",),
    "screening": ("view",),
    "screeningrun": ("view",),
    "trainingrun": ("view",),
}
"""{model: what of Django's four does something}."""
BARE = (
    *(
        "discovery",
        "labelscore",
        "lease",
        "moderatorpreferences",
        "perspectivescale",
        "scoring",
        "suggestion",
    ),
    *("webhook", "webhookdelivery", "workerheartbeat"),
)
"""Models whose permissions never did anything."""
ALL = ("add", "change", "delete", "view")


def run(apps: Any, schema_editor: Any) -> None:
    """Do both, in one transaction: interrupted, the migration is run again from the start."""
    alias = schema_editor.connection.alias
    with transaction.atomic(using=alias):
        _make_groups(apps, alias)
        _remove_permissions(apps, alias)


def _make_groups(apps: Any, alias: str) -> None:
    groups = apps.get_model("auth", "Group").objects.using(alias)
    for name, codenames in GROUPS.items():
        group, is_new = groups.get_or_create(name=name)
        if is_new:
            group.permissions.add(*(_permission(apps, alias, codename) for codename in codenames))


def _permission(apps: Any, alias: str, codename: str) -> Any:
    """Return the row, made where the database is new: Django makes it after the last migration only."""
    model = MODELS.get(codename) or codename.partition("_")[2]
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    content_type, _ = content_types.get_or_create(app_label="moderation", model=model)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    permission, _ = permissions.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": NAMES[codename]}
    )
    return permission


def _remove_permissions(apps: Any, alias: str) -> None:
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    of_ours = permissions.filter(content_type__app_label="moderation")
    for model in (*KEPT, *BARE):
        kept = KEPT.get(model, ())
        for action in ALL:
            if action in kept:
                continue
            for stale in of_ours.filter(content_type__model=model, codename=f"{action}_{model}"):
                if action == "change" and "view" in kept:
                    _let_view(apps, alias, stale, _permission(apps, alias, f"view_{model}"))
                try:
                    with transaction.atomic(using=alias):
                        stale.delete()
                except (ProtectedError, RestrictedError):
                    pass  # a row of the site's own needs it: it goes on doing nothing


def _let_view(apps: Any, alias: str, change: Any, view: Any) -> None:
    for group in apps.get_model("auth", "Group").objects.using(alias).filter(permissions=change):
        group.permissions.add(view)
    user_model = apps.get_model(settings.AUTH_USER_MODEL)
    if not any(field.name == "user_permissions" for field in user_model._meta.many_to_many):
        return
    for user in user_model._base_manager.using(alias).filter(user_permissions=change):
        user.user_permissions.add(view)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("moderation", "0019_permissions"),
    ]

    operations = [migrations.RunPython(run, migrations.RunPython.noop, elidable=False)]
