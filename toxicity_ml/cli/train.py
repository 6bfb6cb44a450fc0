"""Fine-tune on labelled texts and publish a model version directory.

--task multi_label (the default) learns a probability for each of --labels; --task single_label one of several
--classes, as of SST-2: rows of sentence<TAB>label in a .tsv, or a CSV with a text and a label column.
"""

import argparse
import json
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from toxicity_ml.cli.arguments import add_result, count, positive, print_result
from toxicity_ml.errors import DataError
from toxicity_ml.labels import JIGSAW_LABELS, MULTI_LABEL, SINGLE_LABEL
from toxicity_ml.language_tags import is_language_tag

if TYPE_CHECKING:
    from datasets import Dataset

    from toxicity_ml.training.options import TrainingOptions

HELD_OUT = 0.05
"""Share of the training rows held out for validation where no validation data is named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data",
        nargs="+",
        required=True,
        metavar="FILE",
        help="labelled CSV, .csv.gz, .zip, or a hub dataset",
    )
    data.add_argument(
        "--validation",
        nargs="+",
        metavar="FILE",
        help="rows to select, calibrate and set thresholds by "
        f"(default: {100 * HELD_OUT:.0f} %% of the data)",
    )
    data.add_argument(
        "--patterns",
        metavar="CSV",
        help="label combinations of the population, to weight the validation rows by",
    )
    data.add_argument(
        "--counterexamples",
        type=count,
        default=0,
        metavar="N",
        help="add N texts of our own in which identity terms, quotes and strong words are harmless, and ones "
        "in which plain words are not (the six Jigsaw labels only)",
    )
    data.add_argument("--limit", type=positive, metavar="N", help="train on N rows drawn at random")
    data.add_argument(
        "--rehearse",
        nargs="+",
        default=(),
        metavar="FILE",
        help="texts whose scores are to stay as the version to go on from has them, whatever their labels",
    )
    data.add_argument(
        "--rehearse-own",
        type=count,
        default=0,
        metavar="N",
        help="and N texts of our own, as those of --counterexamples, whose scores are to stay",
    )
    result = parser.add_argument_group("result")
    add_result(result, name="the directory's", version="1")
    result.add_argument(
        "--languages",
        nargs="+",
        metavar="TAG",
        help="of the data, as BCP 47 tags (default: those of the version to go on from, or en)",
    )
    result.add_argument(
        "--keep-calibration",
        action="store_true",
        help="take calibration and thresholds of the version to go on from, where the validation rows do not "
        "stand for what will be screened",
    )
    result.add_argument(
        "--progress",
        dest="progress_file",
        type=Path,
        metavar="FILE",
        help="append JSON lines to it: stage, step, steps, seconds_left",
    )
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--base-model", metavar="NAME|DIR", help="encoder, or a model version to go on from")
    recipe.add_argument("--task", choices=(MULTI_LABEL, SINGLE_LABEL), default=MULTI_LABEL)
    recipe.add_argument(
        "--labels",
        "--classes",
        nargs="+",
        metavar="NAME",
        help="default: Jigsaw's six, or SST-2's two classes",
    )
    recipe.add_argument("--pooling", help="mean, mean:3,6 (layers), or pooler")
    recipe.add_argument("--epochs", type=float)
    recipe.add_argument("--batch-size", type=int)
    recipe.add_argument("--max-length", type=int)
    recipe.add_argument("--body-lr", type=float)
    recipe.add_argument("--head-lr", type=float)
    recipe.add_argument("--layer-decay", type=float)
    recipe.add_argument("--pos-weight-cap", type=float)
    recipe.add_argument("--loss", choices=("bce", "cross_entropy", "focal"))
    recipe.add_argument("--class-weights", choices=("none", "sqrt", "balanced", "effective"))
    recipe.add_argument("--gamma", type=float, help="of the focal loss")
    recipe.add_argument("--alpha", type=float, help="of the focal loss")
    recipe.add_argument("--label-smoothing", type=float)
    recipe.add_argument("--oversample", type=float, metavar="SHARE", help="repeat rows with rarer labels")
    recipe.add_argument("--stripped", type=float, metavar="SHARE", help="of texts that lose punctuation")
    recipe.add_argument("--noise", type=float, metavar="SHARE", help="of texts with misspelt words")
    recipe.add_argument("--joined", type=float, metavar="SHARE", help="of texts joined to a clear one")
    recipe.add_argument("--eda", type=float, metavar="SHARE", help="of texts replaced by an EDA copy")
    recipe.add_argument("--mixup", type=float, metavar="ALPHA")
    recipe.add_argument("--mixup-level", choices=("words", "texts"))
    recipe.add_argument(
        "--distill", type=float, metavar="SHARE", help="of each target that teachers give: out-of-fold TF-IDF"
    )
    recipe.add_argument("--teachers", nargs="+", metavar="DIR", help="further teachers: model versions")
    recipe.add_argument(
        "--trainable",
        metavar="PART",
        help="whole (the default), last:N (layers, and the head), head, or lora:RANK, merged afterwards",
    )
    recipe.add_argument("--anchor", type=float, metavar="STRENGTH", help="pull to the start weights (L2-SP)")
    recipe.add_argument(
        "--rehearsal-weight", type=float, metavar="WEIGHT", help="of a score that is to stay, beside a label"
    )
    recipe.add_argument(
        "--keep-confirmed",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="learn only the labels that contradict the version to go on from; where they confirm it, its "
        "score is to stay",
    )
    recipe.add_argument(
        "--interpolation",
        type=float,
        metavar="SHARE",
        help="of the way from the version's weights to the trained ones: 1, the default, goes all of it",
    )
    recipe.add_argument("--dropout", type=float, help="before the head")
    recipe.add_argument("--encoder-dropout", type=float)
    recipe.add_argument("--average-from", type=float, metavar="EPOCH", help="average weights from here on")
    recipe.add_argument("--evaluations", type=int, help="per epoch")
    recipe.add_argument("--patience", type=int)
    recipe.add_argument("--seed", type=int)
    recipe.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="default: where the processor has it",
    )
    recipe.add_argument(
        "--checkpoint-every", type=count, metavar="N", help="steps; default: at evaluations alone"
    )
    recipe.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="go on from DIR.work (the default), where its rows and options are the same",
    )


def run(args: argparse.Namespace) -> int:
    from datasets import disable_progress_bars

    from toxicity_ml import corpora
    from toxicity_ml.manifest import MANIFEST_NAME, Manifest
    from toxicity_ml.progress import ProgressLog
    from toxicity_ml.publishing.directories import check_is_new
    from toxicity_ml.publishing.publish import publish_version
    from toxicity_ml.training.checkpoints import RECORD
    from toxicity_ml.training.fine_tune import train

    began = time.monotonic()
    check_is_new(args.out)
    for tag in args.languages or ():
        if not is_language_tag(tag):
            raise DataError(f"{tag!r} is no language tag, such as en or pt-BR.")
    disable_progress_bars()
    options = options_from(args)
    rows = corpora.load(args.data, options.labels, options.task)
    if args.validation:
        validation = corpora.load(args.validation, options.labels, options.task)
    else:
        rows, validation = _held_out(rows, options.seed)
    validation = corpora.weighted(validation, args.patterns)
    if args.limit and args.limit < len(rows):
        rows = rows.shuffle(seed=options.seed).select(range(args.limit))
    if args.counterexamples:
        rows = _with_counterexamples(rows, args.counterexamples, options)
    rehearsed = _to_rehearse(args, options)
    work = args.out.parent / f"{args.out.name}.work"
    parent = Path(options.base_model)
    inherit = Manifest.load(parent) if (parent / MANIFEST_NAME).is_file() else None
    if args.keep_calibration and inherit is None:
        raise DataError("Only a version to go on from has a calibration to keep; name one as --base-model.")
    with ProgressLog(args.progress_file) as report:
        checkpoint = train(rows, validation, work, options, rehearsed=rehearsed, report=report)
        report("publishing")
        manifest = publish_version(
            checkpoint,
            args.out,
            name=args.name or args.out.name,
            version=args.version,
            validation=validation,
            base_model=inherit.base_model if inherit else options.base_model,
            inherit=inherit,
            keep_calibration=args.keep_calibration,
            languages=args.languages,
            progress=options.progress,
            training={
                "rows": len(rows),
                "validation_rows": len(validation),
                "rehearsed": len(rehearsed),
                "data": [Path(source).name for source in args.data],
                "counterexamples": args.counterexamples,
                "averaged": json.loads((checkpoint / RECORD).read_text(encoding="utf-8"))["averaged"],
                "calibration": "kept" if args.keep_calibration else "fitted",
                "options": {
                    key: value
                    for key, value in vars(options).items()
                    if key not in ("progress", "resume", "checkpoint_every")
                }
                | ({"base_model": inherit.base_model} if inherit else {}),  # and not this machine's path
                "seconds": round(time.monotonic() - began),
                **({"parent": f"{inherit.name}@{inherit.version}"} if inherit else {}),
            },
        )
        report("done", 1, 1)
    shutil.rmtree(work)
    print_result(manifest, args)
    return 0


def options_from(args: argparse.Namespace) -> "TrainingOptions":
    """The recipe's defaults with what the command line says."""
    from toxicity_ml.corpora import SST2_CLASSES
    from toxicity_ml.training.options import TrainingOptions, single_label

    names = TrainingOptions.__dataclass_fields__
    start = TrainingOptions()
    if args.task == SINGLE_LABEL:
        start = single_label(tuple(args.labels or SST2_CLASSES))
    given = {name: value for name, value in vars(args).items() if name in names and value is not None}
    parent = Path(given.get("base_model", "")) / "manifest.json"
    if parent.is_file():
        from toxicity_ml.manifest import Manifest

        manifest = Manifest.load(parent.parent)
        if args.labels and set(args.labels) != set(manifest.labels):
            raise DataError(
                f"{parent.parent} has the labels {', '.join(manifest.labels)}, and goes on with those; for "
                "others start from an encoder."
            )
        given |= {"labels": manifest.labels, "task": manifest.task}
        if manifest.task == SINGLE_LABEL:
            start = single_label(manifest.labels)
    given |= {name: tuple(given[name]) for name in ("labels", "teachers") if name in given}
    try:
        return replace(start, **given, progress=sys.stderr.isatty())
    except ValueError as error:
        raise DataError(str(error)) from error


def _with_counterexamples(rows: "Dataset", count: int, options: "TrainingOptions") -> "Dataset":
    from datasets import concatenate_datasets

    from toxicity_ml import corpora
    from toxicity_ml.augmentation.counterexamples import counterexamples

    if tuple(options.labels) != JIGSAW_LABELS:
        raise DataError("Counterexamples carry Jigsaw's six labels; train on those, or leave them out.")
    own = corpora.from_rows(counterexamples(count, options.seed), options.labels)
    return concatenate_datasets([rows, own.cast(rows.features)])


def _to_rehearse(args: argparse.Namespace, options: "TrainingOptions") -> list[str]:
    """Texts to rehearse: those of the files named, and texts of our own, each once."""
    from toxicity_ml import corpora
    from toxicity_ml.augmentation.rehearsal import own_texts

    texts = corpora.texts(args.rehearse)
    if args.rehearse_own:
        texts += own_texts(args.rehearse_own, options.seed)
    return list(dict.fromkeys(texts))


def _held_out(rows: "Dataset", seed: int) -> tuple["Dataset", "Dataset"]:
    """Rows to train on and rows to validate by, copies and augmented families on one side."""
    from toxicity_ml import corpora

    if len(rows) < 2:
        raise DataError("One row can't be both trained and validated on; name --validation or more data.")
    for share in (HELD_OUT, 2 * HELD_OUT, 5 * HELD_OUT, 0.5):  # of a few rows a small share may be none
        rest, aside = corpora.split(rows, share, seed)
        if len(rest) and len(aside):
            return rest, aside
    raise DataError("The rows are all copies of one text or one augmented family; name --validation.")
