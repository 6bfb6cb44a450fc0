"""The library's own errors: each says what is wrong, with which file, and what to do. None carries comment
text."""

__all__ = [
    "BackendUnavailable",
    "DataError",
    "ExportRefused",
    "MissingExtra",
    "ModelDamaged",
    "ModelNotFound",
    "ToxicityError",
]


class ToxicityError(Exception):
    """Base of every error that this library raises on purpose."""


class ModelNotFound(ToxicityError):
    """A model directory, or a file that belongs in it, is missing."""


class ModelDamaged(ToxicityError):
    """A file of a model directory is there but cannot be what was published."""


class ExportRefused(ToxicityError):
    """The int8 model strays too far from the one that was trained; nothing was written."""


class DataError(ToxicityError):
    """A data file or a row of it cannot be used."""


class BackendUnavailable(ToxicityError):
    """This machine lacks what a way of running the network needs: a package, a device or a compiler."""


class MissingExtra(ToxicityError, ImportError):
    """A library that an extra of this package brings is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"This needs {library}, which is not installed: "
            f"pip install 'django-toxicity-moderation[{extra}]'."
        )
        self.name = library
        self.extra = extra
        """The extra of the package that brings the library."""
