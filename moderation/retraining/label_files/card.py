"""Writes the card of exported decisions: what they are, how they came about, what they are not good for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moderation.retraining.label_files.columns import COLUMNS

if TYPE_CHECKING:
    from moderation.retraining.label_files.exporting import Counts

_TYPES = {"id": "int64", "probability": "float64", "blind": "bool"}
_MEANINGS = {
    "id": "The screening's id on the site.",
    "text": "The text as it was screened.",
    "outcome": "What was decided: `show` or `hide`.",
    "decided": "When, in ISO 8601.",
    "model": "The Django model whose text it is; null for none.",
    "language": "A BCP 47 tag, as a program told it; null where it could not.",
    "drawn": "`random`: chance alone brought it up. `pointed_at`: the model in force did. `by_a_person`: a "
    "reader, a client of the API or something else that has nothing to do with chance.",
    "probability": "With which the text came to be judged: weigh a row by one over it, and the rows stand "
    "for the site's comments. Null where nothing is known; such rows stand for themselves alone.",
    "blind": "True where the person saw no scores before deciding.",
    "version": "The model version whose scores the person saw; null where none were shown.",
}


def card(counts: Counts, selection: Mapping[str, Any], made: datetime) -> str:
    """Return README.md: metadata that `datasets` reads, and what a person has to know."""
    from moderation.retraining.label_files.exporting import DATA

    by_column = {counts.columns[label]: by for label, by in counts.by_label.items()}
    first, *others = [name for name in COLUMNS if name != "id"]
    columns = ("id", first, *by_column, *others)
    features = "\n".join(f"    - name: {name}\n      dtype: {_dtype(name, by_column)}" for name in columns)
    chosen = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in selection.items() if value)
    labels = "\n".join(
        f"| `{column}` | {by['true']} | {by['false']} | {by['null']} |" for column, by in by_column.items()
    )
    drawn = "\n".join(f"| `{name}` | {number} |" for name, number in counts.drawn.most_common())
    meanings = "\n".join(f"| `{name}` | {_MEANINGS[name]} |" for name in columns if name in _MEANINGS)
    return f"""---
configs:
- config_name: default
  data_files:
  - split: train
    path: {DATA}
dataset_info:
  features:
{features}
task_categories:
- text-classification
---

# Moderators' decisions

{counts.rows} texts on which a moderator decided, {counts.blind} of them without having seen any scores.
Written {made:%Y-%m-%d %H:%M}. Chosen: {chosen or "all"}.

```python
from datasets import load_dataset
rows = load_dataset("PATH OF THIS FOLDER", split="train")
```

## Columns

A column for each label: true, false, or null where nobody looked at it. Leave null out of training and
of figures; it is not false.{_renamed(counts)}

| Column | |
| --- | --- |
{meanings}

## Labels

| Label | true | false | not looked at |
| --- | --- | --- | --- |
{labels}

## How they were drawn

| `drawn` | Rows |
| --- | --- |
{drawn}

Most texts are here because a model pointed at them. Counted as they are, they say nothing of how common a
label is on the site, nor how good another model would be: it looks better than it is. Weigh by one over
`probability`; what a model missed is known from the rows `random` alone.

## Before you give it away

- These are people's words, some of them vile, some of them with names and addresses in them. Nothing was
  taken out. Who may have them is for the site to say, and its promises to its users go first.
- What the site deletes or blanks later stays in this copy: delete it, too.
- The decisions are one site's by its own rules. Moderators err and disagree; each row is the decision that
  stands, without second opinions.
- A moderator who saw scores leans towards them: for a test of such leanings take the rows `blind`.
- No licence comes with the texts.
"""


def _renamed(counts: Counts) -> str:
    """Say which labels stand under another name, as a column of the row has theirs."""
    renamed = [
        f"`{label}` stands in `{column}`" for label, column in counts.columns.items() if label != column
    ]
    return f" The label {', '.join(renamed)}." if renamed else ""


def _dtype(name: str, by_column: Mapping[str, Any]) -> str:
    return "bool" if name in by_column else _TYPES.get(name, "string")
