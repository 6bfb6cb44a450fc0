"""Names the extra of the package that brings a library which is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from toxicity_ml.errors import MissingExtra

EXTRAS = {
    "numpy": "worker",
    "onnxruntime": "worker",
    "tokenizers": "worker",
    "ftfy": "worker",
    "onnx": "worker",
    "safetensors": "worker",
    "py3langid": "worker",
    "rich": "worker",
    "fastapi": "serve",
    "starlette": "serve",  # FastAPI brings it
    "pydantic": "serve",  # so it does this
    "uvicorn": "serve",
    "prometheus_client": "serve",
    "torch": "train",
    "transformers": "train",
    "accelerate": "train",
    "datasets": "train",
    "peft": "train",
    "cleanlab": "train",
    "sklearn": "train",
    "scipy": "train",  # scikit-learn brings it
    "nltk": "train",
    "sentencepiece": "train",
    "captum": "train",
    "matplotlib": "train",
}
"""Top-level module: the extra of pyproject.toml that brings it."""


@contextmanager
def naming_the_extra() -> Iterator[None]:
    """Raise MissingExtra, which names the extra to install, for a library of EXTRAS that is not there.

    Any other ImportError passes as it is: a library that is there and broken is not mended by an extra.
    """
    try:
        yield
    except MissingExtra:
        raise
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        raise MissingExtra(library, EXTRAS[library]) from error
