"""Makes the page's sections about kinds of comments, and about the comments that were judged wrongly."""

from collections.abc import Mapping
from typing import Any

from toxicity_ml.evaluation.subgroups import BIAS_METRICS
from toxicity_ml.reporting.causes import EXPLANATIONS
from toxicity_ml.reporting.markup import Markup, escaped, figure, folded, paragraph, section, table, visible
from toxicity_ml.reporting.page_figures import SITE

KINDS = {
    "false_positives": (
        "Flagged, though no label is true",
        "Comments of no toxicity that cross a threshold, the surest of them first.",
    ),
    "false_negatives": (
        "Missed, though a label is true",
        "Comments with a true label that cross no threshold, those furthest from one first.",
    ),
    "wrong_class": ("Taken for the wrong class", "The most confident first."),
}


def slices_section(scorer: str, slices: Mapping[str, Any], anchor: str) -> Markup:
    """One scorer by kind of comment."""
    parts: list[object] = [_punctuation(slices["punctuation"])]
    for name, title in (("length", "By length"), ("sample", "By how the row was drawn")):
        if slices[name]:
            parts.append(section(title, _slice_table(slices[name]), level=3))
    if slices["identity"]:
        parts.append(_identity(slices["identity"]))
    return section(f"By kind of comment: {scorer}", *parts, name=anchor)


def mistakes_section(kind: str, found: Mapping[str, Any]) -> Markup:
    """The comments of one kind of mistake, with their likely causes."""
    title, explained = KINDS[kind]
    causes = [
        [cause, counts["first"], counts["any"], EXPLANATIONS[cause]]
        for cause, counts in found["by_cause"].items()
    ]
    count = f"{found['count']:,} comments"
    if found["analysed"] < found["count"]:
        count += f", of which the first {found['analysed']:,} are analysed"
    examples = "".join(f"<li>{_example(example)}</li>" for example in found["examples"])
    return section(
        title,
        paragraph(f"{explained} {count}."),
        table(["likely cause", "named first", "holds", "when"], causes) if causes else "",
        folded(f"The first {len(found['examples'])}", Markup(f'<ol class="mistakes">{examples}</ol>'))
        if examples
        else "",
        name=kind.replace("_", "-"),
    )


def _slice_table(slices: Mapping[str, Any]) -> Markup:
    return table(*_slice_rows(slices))


def _slice_rows(slices: Mapping[str, Any]) -> tuple[list[str], list[list[object]]]:
    if any("accuracy" in found for found in slices.values()):
        single: list[list[object]] = [
            [name, found["rows"], figure(found["accuracy"], found["too_few"])]
            for name, found in slices.items()
        ]
        return ["", "texts", "accuracy"], single
    first = next(iter(next(iter(slices.values()))["labels"]))
    rows: list[list[object]] = [
        [
            name,
            found["rows"],
            found["positives"],
            *(figure(found[key], found["too_few"], 1 if "1000" in key else 3) for key in SITE),
            figure(found["labels"][first]["average_precision"], found["labels"][first]["too_few"]),
        ]
        for name, found in slices.items()
    ]
    return ["", "comments", "with a label", *SITE.values(), f"average precision of {first}"], rows


def _identity(groups: Mapping[str, Any]) -> Markup:
    groups = dict(sorted(groups.items(), key=lambda item: -item[1]["rows"]))
    head, rows = _slice_rows(groups)
    parts: list[object] = [
        paragraph(
            "Comments that name a group, by neutral words. A low BPSN AUC means that harmless comments which "
            "name the group score like toxic ones without it; a low BNSP AUC, that toxic ones which name it "
            "score like harmless ones (Borkan et al. 2019)."
        )
    ]
    if all("bias" in found for found in groups.values()):
        bias = [
            [
                name,
                found["bias"]["rows"],
                found["bias"]["positives"],
                *(figure(found["bias"][metric], True) for metric in BIAS_METRICS),
            ]
            for name, found in groups.items()
        ]
        first = next(iter(next(iter(groups.values()))["labels"]))
        names = ["", "comments", first, "subgroup AUC", "BPSN AUC", "BNSP AUC"]
        parts.append(table(names, bias))
    parts.append(folded("What a site feels of comments that name a group", table(head, rows)))
    return section("By group named", *parts, level=3)


def _punctuation(found: Mapping[str, Any]) -> Markup:
    if "changed" in found:
        verdict: object = Markup(f"Another class is taken for {figure(found['changed'])} of the texts.")
    elif found["flagged_ratio"] is None:
        verdict = "No comment is flagged as it stands, so there is no ratio."
    else:
        word, style = ("within", "good") if found["within_limit"] else ("over", "bad")
        verdict = Markup(
            f"Flagged {figure(found['flagged_ratio'], places=2)} times as often when stripped: "
            f'<span class="{style}">{word} the limit of {found["limit"]:g}</span>.'
        )
    rows = [
        [label, values["positives"], figure(values["raw"], True), figure(values["stripped"], True)]
        for label, values in found["labels"].items()
    ]
    return section(
        "The same comments without punctuation",
        paragraph(
            f"{found['rows']:,} natural comments ({found['basis']}), as they are and stripped. ", verdict
        ),
        table(["", "positives", "as they are", "stripped"], rows, "Predicted over observed positives"),
        level=3,
    )


def _example(example: Mapping[str, Any]) -> Markup:
    scores = ", ".join(f"{label} {score:.2f}" for label, score in example["scores"].items())
    true = ", ".join(example["true"]) or "none"
    chips = "".join(f'<span class="chip">{escaped(cause)}</span>' for cause in example["causes"])
    lines = [
        f"<p><b>{escaped(example['decided'])}</b> · scores: {escaped(scores)} · true: {escaped(true)} "
        f"<small>{escaped(example['file'])}, row {example['row']:,}</small></p><p>{chips}</p>"
    ]
    if "text" in example:
        word = example["word"]
        marked = None if word is None else (word["start"], word["end"])
        before = "… " if example["text_start"] else ""
        after = " …" if example["cut"] and example["text_start"] == 0 else ""
        lines.append(f"<blockquote>{before}{visible(example['text'], marked)}{after}</blockquote>")
        if word is not None:
            lines.append(
                f"<p><small>Without the marked word: {escaped(example['decided'])} "
                f"{word['score_without']:.2f}.</small></p>"
            )
    return Markup("".join(lines))
