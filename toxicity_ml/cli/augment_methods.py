"""Builds the method of ``augment`` that the options name: what makes the copies of a text."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from toxicity_ml.errors import DataError

if TYPE_CHECKING:
    from toxicity_ml.augmentation.copies import Rewrite, Row
    from toxicity_ml.augmentation.seq2seq import Generation


def rewriter(method: str, args: argparse.Namespace, rows: list["Row"]) -> tuple["Rewrite", dict[str, object]]:
    """Return the function that makes the copies, and its parameters for the file."""
    from toxicity_ml.augmentation import copies

    if method == "noise":
        return partial(copies.noisy, seed=args.seed), {"seed": args.seed}
    if method == "strip":
        return copies.stripped, {}
    if method == "eda":
        return _eda(args, rows)
    from toxicity_ml.augmentation.back_translation import BackTranslation
    from toxicity_ml.augmentation.paraphrase import Paraphrase
    from toxicity_ml.augmentation.seq2seq import Seq2Seq

    options = _generation(args)
    parameters: dict[str, object] = {**vars(options), "nearest": args.nearest}
    if method == "paraphrase":
        prefix = Paraphrase.prefix if args.prefix is None else args.prefix
        model = Paraphrase(Seq2Seq.load(args.model, args.device), prefix, options, args.nearest)
        return model.augment, {"model": args.model, "prefix": prefix, **parameters}
    if args.pivot:
        translation = BackTranslation.by_way_of(args.pivot, options, args.nearest, args.device)
    else:
        there, back = Seq2Seq.load(args.model, args.device), Seq2Seq.load(args.back_model, args.device)
        translation = BackTranslation(there, back, args.prefix or "", args.back_prefix, options, args.nearest)
    names: dict[str, object] = {"model": translation.there.name, "back_model": translation.back.name}
    return translation.augment, {**names, "pivots": translation.pivots, **parameters}


def _eda(args: argparse.Namespace, rows: list["Row"]) -> tuple["Rewrite", dict[str, object]]:
    from toxicity_ml.augmentation import synonyms
    from toxicity_ml.augmentation.eda import EDA

    known, protected = synonyms.load(args.synonyms), _protected(args.protect, rows)
    alpha = args.alpha
    eda = EDA(alpha, alpha, alpha, alpha, protected=protected, seed=args.seed, synonyms=known)

    def rewrite(texts: Sequence[str], n: int) -> list[list[str]]:
        return [eda.augment(text, n) for text in texts]

    return rewrite, {
        "seed": args.seed,
        "alpha": alpha,
        "synonyms": known.name,
        "protected": len(protected),
    }


def _protected(named: str | None, rows: list["Row"]) -> frozenset[str]:
    if named is None:
        return frozenset()
    if named == "auto":
        from toxicity_ml.augmentation.protection import label_words

        return label_words([row.text for row in rows], [row.labels for row in rows])
    try:
        lines = Path(named).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{named} is not a readable file of words, one a line, in UTF-8.") from error
    return frozenset(word.lower() for line in lines if (word := line.strip()))


def _generation(args: argparse.Namespace) -> "Generation":
    from toxicity_ml.augmentation.seq2seq import Generation

    return Generation(args.beams, args.sample, args.temperature, args.top_p, args.batch_size, args.seed)
