"""The report as one page that needs nothing beside it: no script, no font, no picture from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from toxicity_ml.reporting.markup import Markup, escaped, paragraph, section
from toxicity_ml.reporting.page_comments import KINDS, mistakes_section, slices_section
from toxicity_ml.reporting.page_figures import part_section
from toxicity_ml.reporting.style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_READING = (
    (
        "Intervals",
        "95 % percentile bootstrap over the rows: what other rows of the same kind would have given. Where "
        "all of n rows agree it has no width, though a share of 3 in n may hide (the rule of three).",
    ),
    ("Too few", "Fewer than {few} positives: a figure would be chance, so none is given."),
    (
        "Weights",
        "Rows stand for as many comments of the population as their weight says, in every figure but counts.",
    ),
    (
        "Average precision",
        "The mean precision over the recalls, 1 for a perfect order, the prevalence for chance.",
    ),
    (
        "Slope, intercept",
        "Of the truth on the score's logit: 1 and 0 when calibrated; a slope under 1 is overconfidence "
        "(Cox 1958).",
    ),
    (
        "ECE",
        "The mean gap between predicted and observed over ten bins of the scores from 0.05; biased upwards "
        "where rows are few.",
    ),
    (
        "Brier skill",
        "How much of the squared error of always predicting the prevalence is gone; 1 is perfect.",
    ),
    (
        "Decisive word",
        "The word without which the score falls most, found by leaving each word out; of two equally strong "
        "words neither counts for much.",
    ),
)


def page(report: Mapping[str, Any]) -> str:
    """The whole report, as ``report.report`` gives it, as HTML."""
    first = report["model"]
    parts = list(report["parts"])
    links: list[tuple[str, str]] = []
    body: list[Markup] = []
    for number, name in enumerate(reversed(parts)):  # the joined rows, which speak for a site, come first
        anchor = f"part-{number}"
        links.append((anchor, name))
        differences = report["differences"].get(name, {})
        body.append(part_section(name, report["parts"][name], differences, anchor, first))
    for number, (scorer, slices) in enumerate(report["slices"].items()):
        links.append((f"slices-{number}", f"By kind of comment: {scorer}"))
        body.append(slices_section(scorer, slices, f"slices-{number}"))
    for kind, found in report["mistakes"].items():
        links.append((kind.replace("_", "-"), KINDS[kind][0]))
        body.append(mistakes_section(kind, found))
    links.append(("reading", "How to read it"))
    contents = "".join(f'<li><a href="#{anchor}">{escaped(name)}</a></li>' for anchor, name in links)
    few = report["min_positives"]
    terms = "".join(
        f"<dt>{escaped(term)}</dt><dd>{escaped(text.format(few=few))}</dd>" for term, text in _READING
    )
    models = ", ".join(report["models"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Evaluation of {escaped(first)}</title><style>{STYLE}</style></head><body>"
        f'<header><p class="lead">Evaluation</p><h1>{escaped(models)}</h1>'
        + paragraph(
            f"Measured on {', '.join(report['data'])}. Every figure with its 95 % interval from "
            f"{report['resamples']:,} resamples of the rows."
        )
        + (paragraph(left_out_line(report["left_out"])) if report["left_out"] else "")
        + f'</header><nav aria-label="Contents"><ul>{contents}</ul></nav><main>{"".join(body)}'
        + section("How to read it", Markup(f"<dl>{terms}</dl>"), name="reading")
        + "</main></body></html>\n"
    )


def left_out_line(labels: Sequence[str]) -> str:
    """Name the labels that the data doesn't judge, in a line."""
    return f"Not evaluated, since no row was judged by them: {', '.join(labels)}."
