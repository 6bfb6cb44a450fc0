"""Make a model version of a sequence-classification checkpoint of transformers.

Weights in safetensors alone, and no code of the checkpoint's own. Families: BERT, RoBERTa, DistilBERT, XLM-R,
ELECTRA, MPNet. The names that Detoxify's models give their labels are known; others keep their own name, or
get one by --map. What is served is held against the checkpoint's own scores; where that fails, nothing is
made.

A checkpoint of classes of which a text has one (softmax) becomes a version of labels: each is scored with its
share of the softmax, and the class that says that nothing is wrong is left out.
"""

import argparse
import json
import sys
from pathlib import Path

from toxicity_ml.cli.arguments import add_columns, add_result, columns_from, positive
from toxicity_ml.errors import DataError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, metavar="DIR", help="what save_pretrained wrote")
    add_result(parser, name="the checkpoint's directory", version="1")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="THEIRS=OURS",
        help="what the checkpoint calls a label, and what it is to be called; nothing behind = leaves it out",
    )
    parser.add_argument(
        "--task",
        choices=["multi_label", "single_label"],
        help="whether a text has any number of the labels or one of them, where the checkpoint does not say",
    )
    parser.add_argument(
        "--language",
        action="append",
        metavar="TAG",
        help="a language that it can judge, such as de; repeatable (default: en)",
    )
    parser.add_argument(
        "--precision",
        choices=["auto", "int8", "float32"],
        default="auto",
        help="what is served; auto: int8 where it keeps to the checkpoint's scores within .003, else float32",
    )
    parser.add_argument(
        "--max-length",
        type=positive,
        metavar="TOKENS",
        help="tokens of a window (default: as many as the checkpoint reads, at most 512)",
    )
    parser.add_argument(
        "--calibrate",
        nargs="+",
        metavar="FILE",
        help="labelled rows to calibrate and set thresholds by",
    )
    parser.add_argument(
        "--patterns", metavar="CSV", help="label combinations of the population, to weight these rows by"
    )
    add_columns(parser)


def run(args: argparse.Namespace) -> int:
    """Returns 0. Raises DataError, ModelNotFound, ModelDamaged or ExportRefused."""
    names = dict(_pair(given) for given in args.map)
    _silence_libraries()
    from datasets import Dataset, disable_progress_bars

    from toxicity_ml import corpora
    from toxicity_ml.importing.importing import Options, import_checkpoint

    disable_progress_bars()

    def rows(labels: tuple[str, ...]) -> Dataset:
        loaded = corpora.load(args.calibrate, labels, columns=columns_from(args))
        return corpora.weighted(loaded, args.patterns)

    options = Options(
        labels=names,
        task=args.task,
        name=args.name,
        version=args.version,
        languages=tuple(args.language or ("en",)),
        precision=args.precision,
        max_length=args.max_length,
    )
    made = import_checkpoint(args.checkpoint, args.out, options, rows if args.calibrate else None)
    manifest = made.manifest
    told = {
        "directory": str(args.out),
        "version": f"{manifest.name}@{manifest.version}",
        "labels": list(manifest.labels),
        "left_out": list(made.outputs.left_out),
        "languages": list(manifest.languages),
        "precision": manifest.precision,
        "max_length": manifest.max_length,
        "disguises": manifest.disguises,
        "fidelity": made.fidelity,
        "is_calibrated": made.is_calibrated,
        "thresholds": dict(manifest.thresholds),
    }
    if args.json:
        print(json.dumps(told, indent=2))
        return 0
    fidelity = made.fidelity
    left_out = f" Left out: {', '.join(made.outputs.left_out)}." if made.outputs.left_out else ""
    disguises = (
        "are undone" if manifest.disguises else "are not undone: that is for English in pieces of words"
    )
    calibrated = "fitted to the rows" if made.is_calibrated else "its own, and every threshold is 0.5"
    print(f"{told['version']} is in {args.out}.")
    print(f"Labels: {', '.join(manifest.labels)}.{left_out}")
    print(f"Languages: {', '.join(manifest.languages)}. Disguised words {disguises}.")
    print(
        f"Served in {manifest.precision}, in windows of {manifest.max_length} tokens; its scores are within "
        f"{fidelity['largest_difference']:.4f} of the checkpoint's own on {fidelity['texts']} texts."
    )
    print(f"Probabilities are {calibrated}.")
    return 0


def _pair(given: str) -> tuple[str, str]:
    theirs, is_there, ours = given.partition("=")
    if not (theirs and is_there):
        raise DataError(f"--map {given} is not THEIRS=OURS.")
    return theirs, ours


def _silence_libraries() -> None:
    """transformers tells of every weight that it loads, on stderr, which is for our own words."""
    import warnings

    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    if not sys.stderr.isatty():
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    warnings.simplefilter("ignore")
