"""The part of `manage.py model_versions` that imports a checkpoint of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from moderation.management.exit_codes import CANNOT
from moderation.management.system_user import system_user
from moderation.retraining.checkpoints import Imported, ImportRefused, import_checkpoint
from moderation.versions import store


def add_arguments(command: CommandParser) -> None:
    """Add what `import` takes."""
    command.add_argument("directory", metavar="DIR", type=Path, help="what save_pretrained wrote")
    command.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="THEIRS=OURS",
        help="what the checkpoint calls a label, and what it is to be called; nothing behind = leaves it out",
    )
    command.add_argument(
        "--language", action="append", default=[], metavar="TAG", help="a language that it can judge (en)"
    )
    command.add_argument(
        "--calibrate", nargs="+", default=[], type=Path, metavar="FILE", help="labelled rows to calibrate by"
    )
    command.add_argument("--task", choices=["multi_label", "single_label"], help="if it does not say")
    command.add_argument("--precision", choices=["auto", "int8", "float32"], default="auto")
    command.add_argument("--max-length", type=int, metavar="TOKENS", help="tokens of a window")
    command.add_argument("--name", help="the version's name (default: the directory's)")
    # not --version, which is Django's own
    command.add_argument(
        "--number", default="1", metavar="VERSION", help="its version (default: %(default)s)"
    )
    command.add_argument("--activate", action="store_true", help="make it the one that scores, too")


def run(given: Mapping[str, Any]) -> Imported:
    """Import as asked for. Raises CommandError."""
    directory: Path = given["directory"]
    arguments = [f"--precision={given['precision']}"]
    arguments += [f"--map={pair}" for pair in given["map"]]
    arguments += [f"--language={tag}" for tag in given["language"]]
    for option in ("task", "max_length"):
        if given[option] is not None:
            arguments.append(f"--{option.replace('_', '-')}={given[option]}")
    if given["calibrate"]:
        arguments += ["--calibrate", *(str(file.resolve()) for file in given["calibrate"])]
    name = given["name"] or directory.resolve().name
    try:
        return import_checkpoint(directory, name, given["number"], arguments, system_user(), given["note"])
    except (ImportRefused, store.ModelUnavailable, store.AlreadyPublished, store.PublishFailed) as error:
        raise CommandError(str(error), returncode=CANNOT) from error


def as_lines(imported: Imported) -> list[str]:
    """Say of a version what its importer has to know."""
    told = imported.told
    left_out = f" Left out: {', '.join(told['left_out'])}." if told["left_out"] else ""
    disguises = "are undone" if told["disguises"] else "are not undone"
    fidelity = told["fidelity"]
    return [
        f"{imported.version} is registered. Labels: {', '.join(told['labels'])}.{left_out}",
        f"Languages: {', '.join(told['languages'])}. Disguised words {disguises}. Served in "
        f"{told['precision']}, within {fidelity['largest_difference']:.4f} of the checkpoint's own scores.",
        "Thresholds: "
        + ", ".join(f"{label} {threshold:.2f}" for label, threshold in told["thresholds"].items())
        + ("." if told["is_calibrated"] else "; not fitted to anything: look at them, or give --calibrate."),
    ]
