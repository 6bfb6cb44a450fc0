"""The command line. Each command is a module with ``add_arguments(parser)`` and ``run(args) -> exit code``;
only the one that was asked for is imported, so that ``predict`` never waits for torch."""

import argparse
import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from toxicity_ml import __version__
from toxicity_ml.errors import ToxicityError
from toxicity_ml.extras import naming_the_extra

COMMANDS: dict[str, tuple[str, str]] = {
    "predict": ("toxicity_ml.cli.predict", "score texts: JSON Lines in, JSON Lines out"),
    "serve": ("toxicity_ml.cli.serve", "answer over HTTP: POST /classify, and Perspective's endpoints"),
    "train": ("toxicity_ml.cli.train", "fine-tune a model on labelled texts"),
    "evaluate": ("toxicity_ml.cli.evaluate", "measure a model version on labelled texts"),
    "compare": ("toxicity_ml.cli.compare", "train several recipes on the same rows and say which is better"),
    "augment": ("toxicity_ml.cli.augment", "write augmented copies of labelled texts, each with its origin"),
    "explain": ("toxicity_ml.cli.explain", "show what a score rests on: words, and where the heads look"),
    "attack": ("toxicity_ml.cli.attack", "measure how disguises and noise change the scores"),
    "benchmark": ("toxicity_ml.cli.benchmark", "latency and throughput of every way to run a model"),
    "calibrate": ("toxicity_ml.cli.calibrate", "fit a version's probabilities and thresholds to your rows"),
    "doubts": ("toxicity_ml.cli.doubts", "say which labels are unlikely, and how many are wrong"),
    "merge": ("toxicity_ml.cli.merge", "make one model version of several by averaging their weights"),
    "import-checkpoint": (
        "toxicity_ml.cli.import_checkpoint",
        "make a model version of a checkpoint of transformers",
    ),
    "export": ("toxicity_ml.cli.export", "turn a checkpoint into the int8 network that is served"),
}
"""Name: (module, help)."""

INTERRUPTED = 130
BROKEN_PIPE = 141
TERMINATED = 143
FAILED = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 done with invalid input, 2 not done."""
    try:
        with _ended_by_sigterm(), naming_the_extra():
            code = _run(list(sys.argv[1:] if argv is None else argv))
            sys.stdout.flush()
            return code
    except ToxicityError as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    except BrokenPipeError:  # the reader of our output has enough
        _forget_unwritten()
        return BROKEN_PIPE
    except OSError as error:  # a file that can't be read or written, a full disk
        _forget_unwritten()
        where = f"{error.filename}: " if error.filename is not None else ""
        sys.stderr.write(f"error: {where}{error.strerror or type(error).__name__}\n")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except _Terminated:
        os.kill(os.getpid(), signal.SIGTERM)
        return TERMINATED  # where somebody has blocked it


class _Terminated(BaseException):
    """SIGTERM came: half-written files are removed on the way out."""


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind the command, so that what it began to write goes; a second one ends it at once."""
    own = os.getpid()

    def leave(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != own:  # a child that was forked off
            os.kill(os.getpid(), number)
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is leave:  # not after one came
            signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _run(arguments: list[str]) -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s: %(message)s")
    asked = arguments[0] if arguments and arguments[0] in COMMANDS else None
    parser = argparse.ArgumentParser(
        "python -m toxicity_ml", description="Multi-label toxicity classification."
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = None
    for name, (module_name, help_text) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=help_text)
        if name == asked:
            module = importlib.import_module(module_name)
            subparser.description = module.__doc__
            subparser.formatter_class = argparse.RawDescriptionHelpFormatter
            module.add_arguments(subparser)
            run = module.run
    options = parser.parse_args(arguments)
    if run is None:  # the parser has accepted a command by then, so one was asked for
        parser.error("name a command first")
    return int(run(options))


def _forget_unwritten() -> None:
    """Let output go that can't be written, or Python complains once more at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
