"""Names that the pages gave before modules moved: they work until 0.2, and say where the new place is."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from typing import Any
from unittest.mock import patch

import pytest

from moderation.models import Screening
from tests.forum.models import Note

OLD = (
    ("moderation.releasing", "release", "moderation.visibility", "release"),
    ("moderation.reviewing", "decide", "moderation.review.decisions", "decide"),
    ("moderation.screening.serving", "Served", "moderation.screening.model", "LoadedModel"),
    ("toxicity_ml.explain", "attribute", "toxicity_ml.explanation", "attribute"),
)


def import_anew(module: str) -> Any:
    """Import as for the first time: a module warns only then."""
    sys.modules.pop(module, None)
    return importlib.import_module(module)


@pytest.mark.parametrize(("old", "old_name", "new", "name"), OLD)
def test_an_old_place_gives_the_same_thing_and_names_the_new_one(
    old: str, old_name: str, new: str, name: str
) -> None:
    with pytest.warns(DeprecationWarning, match=f"0.2.*{new}") as caught:
        module = import_anew(old)
    assert getattr(module, old_name) is getattr(importlib.import_module(new), name)
    assert [warning.filename for warning in caught] == [importlib.__file__]  # who imports, not the old place


@pytest.mark.django_db
def test_a_site_s_test_that_patches_the_old_place_still_says_what_the_verdict_is() -> None:
    from moderation.worker.drain import drain

    Note.objects.create(text="whatever")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import_anew("moderation.screening.serving")
    scores = {"toxic": 0.97, "insult": 0.2}
    target = "moderation.screening.serving.Served.predict"
    with patch(target, lambda self, texts: [scores for _ in texts]):
        drain()
    assert Screening.objects.get().verdict == "held"


@pytest.mark.parametrize(
    "statement",
    [
        "import moderation.visibility, moderation.signals, moderation.registry",
        "import toxicity_ml.explanation",
    ],
)
def test_a_package_is_imported_without_settings_and_without_models(statement: str) -> None:
    script = (
        f"import sys; {statement}; sys.exit('moderation.models' in sys.modules or 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_of_ours_uses_an_old_place() -> None:
    script = f"""
import sys, django
django.setup()
import moderation.admin, moderation.api.urls, moderation.monitoring.urls, moderation.retraining.retrain
import moderation.rescreening.apply, moderation.tasks, moderation.worker.drain, toxicity_ml.cli.explain
sys.exit(", ".join({{{", ".join(repr(old) for old, *_ in OLD)}}} & set(sys.modules)) or 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
