"""What the library and its commands say where an extra is not installed: which one, in one line."""

import ast
import csv
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from toxicity_ml.cli import COMMANDS
from toxicity_ml.extras import EXTRAS
from toxicity_ml.labels import JIGSAW_LABELS

ROOT = Path(__file__).parents[2]
WITHOUT = """
import os, sys

class Refuse:
    missing = set(os.environ["WITHOUT"].split())

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
"""
COMMAND = WITHOUT + "from toxicity_ml.cli import main; sys.exit(main(sys.argv[1:]))"
WORKER = " ".join(library for library, extra in EXTRAS.items() if extra == "worker")
TRAIN = " ".join(library for library, extra in EXTRAS.items() if extra == "train")
SITE = "django rest_framework drf_spectacular celery redis kombu packaging prometheus_client"


def run(script: str, without: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "WITHOUT": without, "PYTHONPATH": str(ROOT)},
        input='{"text": "you idiot"}\n',
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "test.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", *JIGSAW_LABELS])
        for number in range(150):
            bad = int(number % 5 == 0)
            writer.writerow([f"you {'stupid idiot' if bad else 'nice'} friend {number}", bad, 0, 0, 0, 0, 0])
    return path


@pytest.mark.regression("S10")
def test_every_library_that_is_imported_is_one_that_its_extra_brings() -> None:
    imported: set[str] = set()
    for path in (ROOT / "toxicity_ml").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    assert imported - sys.stdlib_module_names - {"toxicity_ml"} <= set(EXTRAS)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    brought = {name: {Requirement(line).name for line in extras[name]} for name in set(EXTRAS.values())}
    owners = metadata.packages_distributions()
    for library, extra in EXTRAS.items():
        if library != "scipy":
            assert {re.sub(r"[-_.]+", "-", owner) for owner in owners[library]} & brought[extra], library


@pytest.mark.regression("S10")
@pytest.mark.parametrize(
    "arguments",
    [
        ["predict"],
        ["evaluate", "--data", "DATA"],
        ["attack", "--data", "DATA"],
        ["explain", "you idiot"],
        ["train", "--data", "DATA", "--out", "OUT"],
        ["compare", "--data", "DATA", "--validation", "DATA", "--arm", "a", "--out", "OUT"],
        ["calibrate", "--validation", "DATA", "--out", "OUT", "--version", "2"],
        ["merge", "--model", "MODEL", "--validation", "DATA", "--out", "OUT"],
        ["export", "--checkpoint", "MODEL", "--data", "DATA", "--out", "OUT"],
        ["augment", "--data", "DATA", "--out", "OUT.csv", "--method", "eda"],
        ["benchmark", "--quick"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_names_the_extra_that_it_lacks_in_one_line(
    arguments: list[str], data: Path, tiny_version: Path, tmp_path: Path
) -> None:
    places = {"DATA": data, "OUT": tmp_path / "out", "OUT.csv": tmp_path / "out.csv", "MODEL": tiny_version}
    done = run(COMMAND, f"{WORKER} {TRAIN}", *(places.get(argument, argument) for argument in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"error: This needs \w+, which is not installed: "
        r"pip install 'django-toxicity-moderation\[(worker|train)\]'\.\n",
        done.stderr,
    )


@pytest.mark.regression("S10")
@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "you idiot", "--method", "integrated_gradients"],
        ["explain", "you idiot", "--all-heads", "--json"],
        ["train", "--data", "DATA", "--out", "OUT"],
        ["evaluate", "--data", "DATA", "--baseline", "DATA"],
        ["evaluate", "--data", "DATA", "--floor", "DATA"],
        ["evaluate", "--data", "DATA", "--report", "OUT"],
        ["merge", "--model", "MODEL", "--validation", "DATA", "--out", "OUT"],
    ],
    ids=lambda arguments: " ".join(arguments[:4]),
)
def test_what_a_worker_lacks_is_in_the_extra_train(
    arguments: list[str], data: Path, tiny_version: Path, tmp_path: Path
) -> None:
    places = {"DATA": data, "OUT": tmp_path / "out", "MODEL": tiny_version}
    done = run(COMMAND, TRAIN, *(places.get(argument, argument) for argument in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: This needs \w+, .*\[train\]'\.\n", done.stderr)


@pytest.mark.regression("S10")
@pytest.mark.parametrize(
    "arguments",
    [
        ["predict"],
        ["evaluate", "--data", "DATA", "--resamples", "5"],
        ["attack", "--data", "DATA", "--sample", "3", "--resamples", "5", "--report", "PAGE"],
        ["explain", "you idiot"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_these_commands_run_on_what_a_worker_has_without_django(
    arguments: list[str], data: Path, tiny_version: Path, tmp_path: Path
) -> None:
    places = {"DATA": data, "PAGE": tmp_path / "page.html"}
    given = [places.get(argument, argument) for argument in arguments]
    done = run(COMMAND, f"{TRAIN} {SITE}", *given, "--model", tiny_version)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tiny@1" in done.stdout


@pytest.mark.regression("S10")
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_needs_no_extra(command: str) -> None:
    done = run(COMMAND, f"{WORKER} {TRAIN}", *command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.regression("S10")
@pytest.mark.parametrize("without", ["numpy", "onnxruntime", "tokenizers"])
def test_the_class_names_the_extra_as_an_import_error(without: str) -> None:
    script = WITHOUT + (
        "try:\n    from toxicity_ml import Classifier\n    Classifier.load().predict('you idiot')\n"
        "except ImportError as error:\n    print(type(error).__name__, error.name, error.extra, error)"
    )
    done = run(script, without)
    assert done.stderr == ""
    assert done.stdout.startswith(f"MissingExtra {without} worker This needs {without}, ")
    assert "pip install 'django-toxicity-moderation[worker]'" in done.stdout


@pytest.mark.regression("S10")
def test_a_library_that_no_extra_brings_is_a_bug_and_not_a_missing_extra() -> None:
    from toxicity_ml.errors import MissingExtra
    from toxicity_ml.extras import naming_the_extra

    with pytest.raises(ModuleNotFoundError) as found, naming_the_extra():
        import toxicity_ml.no_such_module  # noqa: F401
    assert not isinstance(found.value, MissingExtra)
