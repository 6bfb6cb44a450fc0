"""A tiny model version, built once for all tests that classify; torch on one thread."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from toxicity_ml.classifier import Classifier


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """With another number of threads sums are rounded otherwise, and a tiny training takes another course."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def one_thread_again(one_thread: None) -> Iterator[None]:
    """Also after a test that set another number."""
    yield
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What training writes. Read only."""
    from tests.toxicity_ml.tiny_model import build_checkpoint

    return build_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint")


@pytest.fixture(scope="session")
def tiny_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model version directory. Read only: a test that damages it copies it first."""
    from tests.toxicity_ml.tiny_model import build_version

    directory = tmp_path_factory.mktemp("tiny") / "version"
    build_version(directory)
    return directory


@pytest.fixture(scope="session")
def tiny_classifier(tiny_version: Path) -> Classifier:
    return Classifier.load(tiny_version, threads=2)
