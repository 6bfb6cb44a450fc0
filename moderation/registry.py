"""Which models are moderated and how: from the `MODERATION["MODELS"]` setting and from `@moderated`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import field as dataclass_field
from functools import cached_property
from types import EllipsisType
from typing import Any, TypeVar

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import router
from django.db.models import AutoField, Field, ForeignKey, IntegerField, Model, QuerySet
from django.utils.module_loading import import_string

from moderation.conf import conf
from moderation.objects.keys import key_as_text, key_field
from moderation.objects.live_rows import live_rows
from moderation.objects.live_text import LiveText, TextMaker
from moderation.objects.references import Maker, Reference, default_name, default_page

__all__ = ["moderated"]

ModelClass = TypeVar("ModelClass", bound=type[Model])

OPTIONS = (
    "text",
    "author",
    "author_name",
    "page",
    "parent",
    "hide",
    "release",
    "exempt",
    "while_pending",
    "thresholds",
    "retention_days",
    "keys",
    "other_languages",
)
WHILE_PENDING = ("show", "hide")
RELEASE = ("save", "explicit")
KEYS = ("growing", "random")
OTHER_LANGUAGES = ("score", "pass", "queue")


@dataclass(frozen=True)
class Hide:
    """How to make an object invisible: by one column, or by two callables of the site."""

    field: str = ""
    """Name of the column; empty: by callables."""
    hidden: Any = None
    visible: Any = None
    attname: str = ""
    """Name under which an instance holds the column's value: of a foreign key not the field's."""
    also_hidden: tuple[tuple[str, Any], ...] = dataclass_field(default=(), compare=False)
    """(column, value) by which the site itself takes an object off, such as what marks it as removed. Read
    only, to tell whether it is shown."""
    hide: str = ""
    """Dotted path of a callable that takes the instance; returning False means: it was hidden already.
    It runs outside of any transaction, and again after an error: doing it twice must change nothing."""
    show: str = ""

    @property
    def by_field(self) -> bool:
        """True where a single `update()` does it."""
        return bool(self.field)


@dataclass(frozen=True)
class Registered:
    """One moderated model."""

    label: str
    """`app_label.ModelName`, as Django writes it."""
    text: LiveText
    """What is screened: columns, or what a callable makes of the instance."""
    author: str = ""
    """Name of the field that names the author; empty: nobody is known."""
    author_name: Reference | None = None
    """What the author is called, with an account or without; None: not known."""
    page: Reference | None = None
    """The object that the text stands under, such as an article; None: not known."""
    parent: Reference | None = None
    """The object that the text answers; None: not known."""
    hide: Hide | None = None
    """None: comments are flagged, never hidden."""
    release: str = "save"
    """What counts as a person's decision to show what moderation hid: "save", also a save that makes visible
    what was read as hidden; "explicit", only the queue and `visibility.release`."""
    exempt: str = ""
    """Dotted path of a callable that takes the instance and says whether it is left alone."""
    while_pending: str = "show"
    """Visibility until there is a verdict: "show" or "hide"."""
    thresholds: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    """{label: {"flag": p, "hold": p or None}}; a stored Policy goes before it."""
    retention_days: float | None = None
    """How many days after their screening copied texts are blanked; None: kept while the object is."""
    keys: str = ""
    """`growing`: each new key is higher than all before; `random`: it may be any. Empty: by its type."""
    other_languages: str = "score"
    """What becomes of a text in a language that the model was not made for: "score", like any other; "pass",
    not judged and shown; "queue", not judged and put before a person."""

    @cached_property
    def model(self) -> type[Model]:
        """The registered class."""
        return apps.get_model(self.label)

    def key_of(self, instance: Model) -> str:
        """Primary key, as text, of the registered row behind `instance`, which may be a child's.

        Raises ValidationError where the instance has none that its model could hold.
        """
        model = self.model
        if not isinstance(instance, model) or instance._meta.concrete_model is model._meta.concrete_model:
            return key_as_text(model, instance.pk)
        # A child has its parents' columns, and after a save their keys in them.
        key = getattr(instance, model._meta.pk.attname)
        link = instance._meta.get_ancestor_link(model)
        if key is None and link is not None:
            key = getattr(instance, link.attname)
        return key_as_text(model, key)

    @property
    def has_growing_keys(self) -> bool:
        """True where new keys stand above known ones, so that a watermark finds them in the next sweep."""
        return self.keys == "growing" if self.keys else has_automatic_keys(self.model)

    @property
    def database(self) -> str:
        """The alias where the objects are looked for: what is saved through another one is not moderated."""
        return router.db_for_write(self.model)

    def objects(self, using: str | None = None) -> QuerySet[Any]:
        """Return the model's live rows, all of them, from the database `using`; None: from `database`."""
        return live_rows(self.model, using or self.database)

    def text_of(self, instance: Model, update_fields: Collection[str] | None = None) -> str:
        """The text of a saved object, as its screening holds it; see `LiveText.of`."""
        return self.text.of(self.model, instance, self.key_of(instance), update_fields)

    def is_exempt(self, instance: Model) -> bool:
        """What the site's callable says; False without one. Raises what it raises."""
        return bool(self.exempt) and bool(import_string(self.exempt)(instance))


def moderated(
    *,
    text: str | Sequence[str] | TextMaker,
    author: str = "",
    author_name: str | Maker | None = "",
    page: str | Maker | None = "",
    parent: str | Maker | None = "",
    hide: Mapping[str, Any] | None = None,
    release: str = "save",
    exempt: str = "",
    while_pending: str = "show",
    thresholds: Mapping[str, Mapping[str, float | None]] | None = None,
    retention_days: float | EllipsisType | None = ...,
    keys: str = "",
    other_languages: str = "score",
) -> Callable[[ModelClass], ModelClass]:
    """Class decorator that registers one's own model; the options are those of `MODERATION["MODELS"]`.

    text: one field's name; several, which are screened together; or a callable, or its dotted path, that
    takes the instance and returns what is to be screened.
    author_name, page, parent: a field or attribute, one of a related object (`thread__article`), or a
    callable that takes the instance, or its dotted path. Empty: what the model's fields suggest; None:
    nothing.
    retention_days: left out, it is `MODERATION["RETENTION_DAYS"]`, as with each model that names none.
    """
    chosen: dict[str, Any] = {
        "text": text,
        "author": author,
        "author_name": author_name,
        "page": page,
        "parent": parent,
        "hide": hide,
        "release": release,
        "exempt": exempt,
        "while_pending": while_pending,
        "thresholds": thresholds or {},
        "keys": keys,
        "other_languages": other_languages,
    }
    if retention_days is not ...:
        chosen["retention_days"] = retention_days

    def register(model: ModelClass) -> ModelClass:
        if model._meta.abstract:
            raise TypeError(f"{model.__name__} is abstract; decorate its concrete children")
        _decorated[model._meta.label] = chosen
        _forget()
        return model

    return register


def options() -> dict[str, Mapping[str, Any]]:
    """{label as written: options as written}, the setting before the decorators."""
    return {**_decorated, **conf.MODELS}


def registered() -> list[Registered]:
    """Every moderated model whose registration makes sense; the checks report the others."""
    return list(_load().values())


def get(label: str) -> Registered | None:
    """The registration of `app_label.ModelName`, or None."""
    return _load().get(label)


def for_model(model: type[Model]) -> Registered | None:
    """The registration that covers `model`: its own, or that of what it is a child or a proxy of."""
    loaded = _load()
    if model not in _by_model:
        candidates = [model, model._meta.concrete_model, *model._meta.all_parents]
        registrations = (
            loaded.get(candidate._meta.label) for candidate in candidates if candidate is not None
        )
        _by_model[model] = next((entry for entry in registrations if entry is not None), None)
    return _by_model[model]


def has_automatic_keys(model: type[Model]) -> bool:
    """True where the database counts the keys up.

    What a site assigns, or another model counted, may be any.
    """
    key: Any = model._meta.pk
    is_own = not isinstance(key, ForeignKey) or key.remote_field.parent_link
    return is_own and isinstance(key_field(model), AutoField)


def may_grow(model: type[Model]) -> bool:
    """True where the keys are numbers, which a watermark can be set among."""
    return isinstance(key_field(model), IntegerField)


def load_setting(**_: Any) -> None:
    """Read the setting again; called at start-up and when a test overrides it."""
    _forget()
    _load()


def parse(label: str, given: Mapping[str, Any]) -> Registered:
    """`given` as a Registered. Raises what any mistake in it leads to; `checks` says it better."""
    model = apps.get_model(label)
    text = LiveText.parse(given["text"])
    for column in text.columns:
        model._meta.get_field(column)
    if model._meta.proxy:
        raise ValueError("proxy")
    if given.get("while_pending", "show") not in WHILE_PENDING:
        raise ValueError("while_pending")
    if given.get("release", "save") not in RELEASE:
        raise ValueError("release")
    if given.get("keys") and given["keys"] not in KEYS:
        raise ValueError("keys")
    if given.get("keys") == "growing" and not may_grow(model):
        raise ValueError("keys")
    if given.get("other_languages", "score") not in OTHER_LANGUAGES:
        raise ValueError("other_languages")
    return Registered(
        label=model._meta.label,
        text=text,
        author=given.get("author") or "",
        author_name=_reference(given, "author_name", default_name(model, given.get("author") or "")),
        page=_reference(given, "page", default_page(model)),
        parent=_reference(given, "parent", None),
        hide=parse_hide(model, given.get("hide")),
        release=given.get("release", "save"),
        exempt=given.get("exempt") or "",
        while_pending=given.get("while_pending", "show"),
        thresholds=given.get("thresholds") or {},
        retention_days=given.get("retention_days", conf.RETENTION_DAYS),
        keys=given.get("keys") or "",
        other_languages=given.get("other_languages", "score"),
    )


def _reference(given: Mapping[str, Any], key: str, default: Reference | None) -> Reference | None:
    """The option as given; where it is left out or empty, the default."""
    return default if given.get(key, "") == "" else Reference.parse(given[key])


def parse_hide(model: type[Model], given: Mapping[str, Any] | None) -> Hide | None:
    """`given` as a Hide of `model`, its values as the column has them; a boolean one needs only "hidden".

    Raises what any mistake in it leads to.
    """
    if not given:
        return None
    if "field" in given:
        hidden = given["hidden"]
        if "visible" not in given and not isinstance(hidden, bool):
            raise ValueError("visible")
        column = model._meta.get_field(given["field"])
        if not isinstance(column, Field):
            raise TypeError("field")
        visible = given.get("visible", not hidden)
        return Hide(
            field=column.name,
            attname=column.attname,
            hidden=as_column_value(column, hidden),
            visible=as_column_value(column, visible),
            also_hidden=_also_hidden(model, given.get("also_hidden") or {}),
        )
    return Hide(hide=given["hide"], show=given["show"])


def _also_hidden(model: type[Model], given: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    pairs = []
    for name, value in given.items():
        column = model._meta.get_field(name)
        if not isinstance(column, Field):
            raise TypeError("also_hidden")
        pairs.append((column.name, as_column_value(column, value)))
    return tuple(pairs)


def as_column_value(column: Field[Any, Any], value: object) -> Any:
    """`value` as the database gives it back for `column`. Raises ValueError where that can't hold it."""
    while isinstance(column, ForeignKey):
        column = column.target_field
    try:
        return column.to_python(value)
    except ValidationError:
        raise ValueError(f"{column.name} can't hold it") from None  # the message would quote the value


_decorated: dict[str, dict[str, Any]] = {}
_loaded: dict[str, Registered] | None = None
_by_model: dict[type[Model], Registered | None] = {}


def _forget() -> None:
    global _loaded
    _loaded = None
    _by_model.clear()


def _load() -> dict[str, Registered]:
    global _loaded
    if _loaded is None:
        apps.check_models_ready()
        loaded = {}
        for label, given in options().items():
            try:
                entry = parse(label, given)
            except (LookupError, TypeError, ValueError, AttributeError, FieldDoesNotExist):
                continue  # moderation.checks.configuration reports it with an id, at start-up
            loaded[entry.label] = entry
        _loaded = loaded
    return _loaded
