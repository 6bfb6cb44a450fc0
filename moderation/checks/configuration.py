"""Start-up checks of the `MODERATION` setting and of every registered model, each message with an id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from itertools import permutations
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import FieldDoesNotExist
from django.db import DatabaseError, models, router, transaction
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from moderation import orphans, registry
from moderation.checks.authors import check_author_rules
from moderation.checks.installation import check_backend, check_middleware, check_namesake
from moderation.checks.labels import check_labels
from moderation.checks.references import REFERENCES, check_references
from moderation.checks.suggestions import did_you_mean as _did_you_mean
from moderation.checks.texts import check_text
from moderation.conf import KEYS, conf
from moderation.db import sqlite
from moderation.models import Screening

HIDE_KEYS = ("field", "hidden", "visible", "also_hidden", "hide", "show")
THRESHOLD_KEYS = ("flag", "hold")
BACKENDS = ("auto", "onnx", "cuda")
NUMBERS: dict[str, tuple[float, float, bool]] = {
    "HOLD_AT": (0, 1, True),
    "AUDIT_RATE": (0, 1, False),
    "BLIND_SHARE": (0, 1, False),
    "IMPORTED_WEIGHT": (0, 100, False),
    "REPORTS_TO_HOLD": (1, 100, True),
    "REPORTS_TO_RETURN": (1, 100, True),
    "CLAIM_SECONDS": (1, 86_400, False),
    "SECOND_OPINION_SHARE": (0, 1, False),
    "FIGURES_MINUTES": (0, 1440, False),
    "RETRAIN_AFTER": (0, 1_000_000, False),
    "BATCH_SIZE": (1, 10_000, True),
    "LEASE_SECONDS": (1, 86_400, False),
    "SWEEP_SECONDS": (0.1, 86_400, False),
    "COMPARE_HOURS": (0, 8760, False),
    "THREADS": (1, 1024, True),
    "CLASSIFY_MAX_TEXTS": (1, 100_000, False),
    "CLASSIFY_MAX_CHARACTERS": (1, 1_000_000_000, False),
    "CLASSIFY_MAX_IN_FLIGHT": (1, 1000, False),
    "API_KEY_QUOTA": (1, 1_000_000_000, True),
    "NUDGE_AT": (0, 1, True),
    "NUDGE_MILLISECONDS": (0, 1000, False),
    "PERSPECTIVE_MAX_BYTES": (1, 1_000_000, False),
    "METRICS_PORT": (1, 65535, True),
    "RETENTION_DAYS": (0, 36_500, True),
    "WEBHOOK_RETENTION_DAYS": (0, 36_500, False),
}
"""{key: (lowest, highest, may be None)}."""
CHOICES = {
    "PERSPECTIVE_UNKNOWN_ATTRIBUTES": ("refuse", "drop"),
    "PERSPECTIVE_OTHER_LANGUAGES": ("refuse", "score"),
    "PERSPECTIVE_HTML": ("refuse", "strip"),
}
"""{key: its values}."""
REASONS = ("HIDE_REASONS", "REPORT_REASONS")
REASON_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
CALLABLES = ("CLASSIFY_PERMISSION", "VISIBLE_SCREENINGS")
"""Keys that are dotted paths of something to be called."""
SWITCHES = ("API_TEST_KEY", "AUTO_ROLLBACK", "PERSPECTIVE_KEY_REQUIRED", "PERSPECTIVE_SCALE")
"""Keys that are True or False."""


def connect() -> None:
    """Register the checks with Django."""
    register(check_setting, "moderation")
    register(check_models, "moderation")
    register(check_database, "moderation", Tags.database)
    register(check_transactions, "moderation")
    register(check_secret, "moderation", deploy=True)
    register(check_webhooks, "moderation", deploy=True)
    register(check_metrics_port, "moderation")
    register(check_backend, "moderation")
    register(check_namesake, "moderation")
    register(check_middleware, "moderation")


def check_setting(**_: Any) -> list[CheckMessage]:
    """Check the setting itself: a dict, known keys, numbers in their range."""
    setting = getattr(settings, "MODERATION", {})
    if not isinstance(setting, Mapping):
        return [Error("MODERATION must be a dict.", id="moderation.E001")]
    messages: list[CheckMessage] = [
        Error(f'MODERATION has an unknown key "{key}".{_did_you_mean(key, KEYS)}', id="moderation.E002")
        for key in setting
        if key not in KEYS
    ]
    for key, (lowest, highest, may_be_none) in NUMBERS.items():
        value = setting.get(key, lowest)
        if not (_is_between(value, lowest, highest) or (value is None and may_be_none)):
            or_none = ", or None" if may_be_none else ""
            message = f'MODERATION["{key}"] must be a number from {lowest} to {highest}{or_none}.'
            messages.append(Error(message, id="moderation.E003"))
    storage = setting.get("MODEL_STORAGE")
    if storage and storage not in settings.STORAGES:
        message = f'MODERATION["MODEL_STORAGE"] names "{storage}", which is not in STORAGES.'
        messages.append(Error(message, id="moderation.E016"))
    for key in CALLABLES:
        if setting.get(key):
            messages += _check_callable("MODERATION", key, setting[key])
    messages += check_author_rules(setting.get("AUTHOR_RULES"))
    for key in SWITCHES:
        if not isinstance(setting.get(key, False), bool):
            messages.append(Error(f'MODERATION["{key}"] must be True or False.', id="moderation.E036"))
    for key, values in CHOICES.items():
        if setting.get(key, values[0]) not in values:
            message = f'MODERATION["{key}"] must be one of: {", ".join(values)}.'
            messages.append(Error(message + _did_you_mean(str(setting[key]), values), id="moderation.E037"))
    for key in REASONS:
        if not _are_reasons(setting.get(key)):
            message = f'MODERATION["{key}"] must be {{"code": "label"}}, or None as the label of one to drop.'
            hint = "A code has at most 32 small letters, digits and underscores, and begins with a letter."
            messages.append(Error(message, hint=hint, id="moderation.E038"))
    if not isinstance(setting.get("BROKER", True), bool):
        message = 'MODERATION["BROKER"] must be True, or False where the site has no Celery broker.'
        messages.append(Error(message, id="moderation.E025"))
    if setting.get("BACKEND", "auto") not in BACKENDS:
        message = f'MODERATION["BACKEND"] must be one of: {", ".join(BACKENDS)}.'
        hint = _did_you_mean(setting["BACKEND"], BACKENDS)
        messages.append(Error(message + hint, id="moderation.E021"))
    if not isinstance(setting.get("MODELS", {}), Mapping):
        message = 'MODERATION["MODELS"] must be a dict {"app_label.Model": {"text": "field", ...}}.'
        messages.append(Error(message, id="moderation.E004"))
    return messages


def _are_reasons(given: Any) -> bool:
    """True of what each of REASONS may be; labels may be translated later."""
    if given is None:
        return True
    return isinstance(given, Mapping) and all(
        isinstance(code, str)
        and REASON_CODE.fullmatch(code)
        and (label is None or (isinstance(label, str | Promise) and bool(str(label).strip())))
        for code, label in given.items()
    )


def check_models(**_: Any) -> list[CheckMessage]:
    """Check every registered model: it exists, and so do the fields and callables that it names."""
    options = registry.options()
    messages = [message for label, chosen in options.items() for message in _check_model(label, chosen)]
    return [*messages, *_check_chains(options)]


def _check_chains(labels: Iterable[str]) -> Iterator[CheckMessage]:
    """Refuse two registrations of one row: with two screenings the machine would overrule people."""
    models_by_label = {}
    for label in labels:
        with suppress(LookupError, ValueError):  # reported above
            models_by_label[label] = apps.get_model(label)
    for (label, model), (other, ancestor) in permutations(models_by_label.items(), 2):
        if ancestor in model._meta.all_parents:
            yield Error(
                f'MODERATION["MODELS"] has both "{label}" and its parent "{other}": each row of the first is '
                "one of the second, too.",
                hint="Register one: the parent, whose registration covers its children, or the child.",
                id="moderation.E034",
            )


def check_transactions(**_: Any) -> list[CheckMessage]:
    """Warn of SQLite without IMMEDIATE transactions, from the settings alone, without asking a database."""
    return [_sqlite_warning(alias) for alias in sqlite.told_wrongly()]


def check_database(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Warn of SQLite without WAL, of a database that only `--database` names, and of orphans.

    That database is checked for IMMEDIATE transactions, too.
    """
    reported = sqlite.told_wrongly()  # by `check_transactions`
    wrong = sqlite.told_wrongly(databases or (), asks=True)
    warnings = [_sqlite_warning(alias) for alias in wrong if alias not in reported]
    return warnings + (_orphan_warnings() if router.db_for_write(Screening) in (databases or ()) else [])


def _orphan_warnings() -> list[CheckMessage]:
    try:
        with transaction.atomic(using=router.db_for_write(Screening)):
            groups = orphans.count()
    except DatabaseError:
        return []  # the tables come with a migration that is still to be run
    return [
        Warning(
            f"{group.count} object(s) of {group.label} were hidden under an older registration "
            f"(by {group.means}).",
            hint="Look at them with `manage.py moderation_orphans`, and let it mend them with --act.",
            id="moderation.W004",
        )
        for group in groups
    ]


def _sqlite_warning(alias: str) -> CheckMessage:
    return Warning(sqlite.what_is_wrong(alias), hint=sqlite.OPTIONS, id="moderation.W001")


def check_secret(**_: Any) -> list[CheckMessage]:
    """Warn of a guessable secret: it lets an author choose on which side of the split a text falls."""
    if conf.given.get("TEXT_KEY_SECRET"):
        return []
    return [
        Warning(
            'MODERATION["TEXT_KEY_SECRET"] is not set, so the split between training and test is guessable.',
            hint="Set it to a random string before the first comment, and keep it for ever.",
            id="moderation.W002",
        )
    ]


def check_webhooks(**_: Any) -> list[CheckMessage]:
    """Warn of webhooks that may reach what listens on the workers' own machines."""
    if not conf.WEBHOOK_LOCALHOST:
        return []
    return [
        Warning(
            'MODERATION["WEBHOOK_LOCALHOST"] lets webhooks reach the workers\' own machines, also by http.',
            hint="Leave it out but for development.",
            id="moderation.W007",
        )
    ]


def check_metrics_port(**_: Any) -> list[CheckMessage]:
    """Warn of a worker's metrics that every machine of the network may read."""
    if conf.given.get("METRICS_PORT") is None or conf.METRICS_TOKEN or _is_loopback(conf.METRICS_ADDRESS):
        return []
    return [
        Warning(
            f"Workers serve their metrics at {conf.METRICS_ADDRESS}, beyond this machine, to whoever asks.",
            hint='Set MODERATION["METRICS_TOKEN"] to a random string, or METRICS_ADDRESS to "127.0.0.1".',
            id="moderation.W003",
        )
    ]


def _is_loopback(address: str) -> bool:
    """True where only this machine reaches the address. A name other than "localhost" may lead anywhere."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def _check_model(label: str, given: Any) -> Iterator[CheckMessage]:
    where = f'MODERATION["MODELS"]["{label}"]'
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        known = [known._meta.label for known in apps.get_models()]
        yield Error(f"{where}: there is no such model.{_did_you_mean(label, known)}", id="moderation.E005")
        return
    if not isinstance(given, Mapping):
        yield Error(f'{where} must be a dict such as {{"text": "body"}}.', id="moderation.E006")
        return
    for key in given:
        if key not in registry.OPTIONS:
            hint = _did_you_mean(key, registry.OPTIONS)
            yield Error(f'{where} has an unknown key "{key}".{hint}', id="moderation.E006")
    if model._meta.proxy and model._meta.concrete_model is not None:
        hint = f"Register {model._meta.concrete_model._meta.label}: its rows are the same."
        yield Error(f"{where} is a proxy, which has no rows of its own.", hint=hint, id="moderation.E022")
    if len(getattr(model._meta, "pk_fields", ())) > 1:
        yield Error(f"{where}: a composite primary key is not supported.", id="moderation.E007")
    if "text" not in given:
        yield Error(f'{where} needs "text", the name of the field to screen.', id="moderation.E008")
    else:
        yield from check_text(where, model, given["text"])
        if isinstance(given["text"], str) and "." in given["text"]:
            yield from _check_callable(where, "text", given["text"])
    if given.get("author"):
        yield from _check_field(where, model, "author", given["author"], "moderation.E009")
    yield from check_references(where, model, given)
    for key in REFERENCES:
        if isinstance(given.get(key), str) and "." in given[key]:
            yield from _check_callable(where, key, given[key])
    if given.get("exempt"):
        yield from _check_callable(where, "exempt", given["exempt"])
    yield from _check_hide(where, model, given.get("hide"))
    if given.get("release", "save") not in registry.RELEASE:
        yield Error(f'{where}["release"] must be "save" or "explicit".', id="moderation.E023")
    yield from _check_while_pending(where, given)
    yield from _check_thresholds(where, given.get("thresholds") or {})
    if given.get("keys") and given["keys"] not in registry.KEYS:
        yield Error(f'{where}["keys"] must be "growing" or "random".', id="moderation.E035")
    elif given.get("keys") == "growing" and not registry.may_grow(model):
        yield Error(f'{where}["keys"]: only numbers can be "growing".', id="moderation.E035")
    if given.get("other_languages", "score") not in registry.OTHER_LANGUAGES:
        message = f'{where}["other_languages"] must be "score", "pass" or "queue".'
        yield Error(message, id="moderation.E037")
    days = given.get("retention_days")
    lowest, highest, _ = NUMBERS["RETENTION_DAYS"]
    if days is not None and not _is_between(days, lowest, highest):
        message = f'{where}["retention_days"] must be a number from {lowest} to {highest}, or None.'
        yield Error(message, id="moderation.E020")


def _check_hide(where: str, model: type[models.Model], given: Any) -> Iterator[CheckMessage]:
    if not given:
        return
    where = f'{where}["hide"]'
    by_field = isinstance(given, Mapping) and {"field", "hidden"} <= set(given)
    by_callables = isinstance(given, Mapping) and {"hide", "show"} <= set(given)
    if by_field == by_callables:
        message = f'{where} must be {{"field": ..., "hidden": ...}} or {{"hide": "path", "show": "path"}}.'
        yield Error(message, id="moderation.E010")
        return
    for key in given:
        if key not in HIDE_KEYS:
            yield Error(
                f'{where} has an unknown key "{key}".{_did_you_mean(key, HIDE_KEYS)}', id="moderation.E010"
            )
    if by_callables:
        yield from _check_callable(where, "hide", given["hide"])
        yield from _check_callable(where, "show", given["show"])
        return
    yield from _check_field(where, model, "field", given["field"], "moderation.E011")
    also = given.get("also_hidden") or {}
    if not isinstance(also, Mapping):
        yield Error(f'{where}["also_hidden"] must be {{"column": value}}.', id="moderation.E010")
        return
    for name in also:
        yield from _check_field(where, model, "also_hidden", name, "moderation.E011")
    hidden, visible = given["hidden"], given.get("visible")
    if "visible" not in given and not isinstance(hidden, bool):
        message = f'{where}: "hidden" is not a boolean, so "visible" must say what to show it with.'
        yield Error(message, id="moderation.E012")
    elif "visible" in given and visible == hidden:
        yield Error(f'{where}: "hidden" and "visible" are the same.', id="moderation.E012")
    else:
        yield from _check_hide_values(where, model, given)


def _check_hide_values(
    where: str, model: type[models.Model], given: Mapping[str, Any]
) -> Iterator[CheckMessage]:
    try:
        how = registry.parse_hide(model, given)
    except (FieldDoesNotExist, TypeError, AttributeError):
        return  # said already: it is no column
    except ValueError:
        how = None
    if how is None or how.hidden == how.visible:
        message = f'{where}: the column "{given["field"]}" can\'t tell "hidden" from "visible".'
        yield Error(message, hint="Give values that the column can hold.", id="moderation.E024")


def _check_while_pending(where: str, given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    value = given.get("while_pending", "show")
    if value not in registry.WHILE_PENDING:
        yield Error(f'{where}["while_pending"] must be "show" or "hide".', id="moderation.E013")
    elif value == "hide" and not (isinstance(given.get("hide"), Mapping) and "field" in given["hide"]):
        # A callable may take its time, and a save must not wait for it.
        message = f'{where}: "while_pending": "hide" needs "hide" by a field, as it happens during the save.'
        yield Error(message, id="moderation.E013")


def _check_thresholds(where: str, given: Any) -> Iterator[CheckMessage]:
    form = f'{where}["thresholds"] must be {{label: {{"flag": 0.5, "hold": 0.9}}}}, from 0 to 1 or None.'
    if not isinstance(given, Mapping):
        yield Error(form, id="moderation.E014")
        return
    for label, values in given.items():
        if not (
            isinstance(label, str)
            and isinstance(values, Mapping)
            and set(values) <= set(THRESHOLD_KEYS)
            and all(value is None or _is_between(value, 0, 1) for value in values.values())
        ):
            yield Error(form, id="moderation.E014", hint=f"Look at {label!r}.")
    yield from check_labels(where, {label: value for label, value in given.items() if isinstance(label, str)})


def _check_field(
    where: str, model: type[models.Model], key: str, name: Any, message_id: str
) -> Iterator[CheckMessage]:
    try:
        column = model._meta.get_field(name) if isinstance(name, str) else None
    except FieldDoesNotExist:
        column = None
    if column is None or not getattr(column, "concrete", False) or getattr(column, "many_to_many", False):
        names = [own.name for own in model._meta.concrete_fields]
        hint = _did_you_mean(str(name), names)
        yield Error(f'{where}: "{key}" names no column: "{name}".{hint}', id=message_id)


def _check_callable(where: str, key: str, path: Any) -> Iterator[CheckMessage]:
    try:
        imported = import_string(path)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        message = f'{where}["{key}"]: {path!r} can\'t be imported ({type(error).__name__}).'
        yield Error(message, id="moderation.E015")
        return
    if not callable(imported):
        yield Error(f'{where}["{key}"]: {path!r} can\'t be called.', id="moderation.E015")


def _is_between(value: Any, lowest: float, highest: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest
