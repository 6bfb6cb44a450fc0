"""What commands show a person: tables on standard output, a bar on standard error. Imports rich when it is
needed: with ``--json`` or in a pipe nothing waits for it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, names of the columns, rows of cells."""


def console(*, width_in_pipe: int = 150, highlight: bool = True) -> "Console":
    """Return standard output as rich writes to it, as wide as the terminal, or ``width_in_pipe`` columns."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else width_in_pipe, highlight=highlight)


def print_tables(output: "Console", tables: Iterable[Table]) -> None:
    """Print each table under its title."""
    from rich.table import Table as RichTable

    for title, names, rows in tables:
        table = RichTable(*names, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        output.print(table)


@contextmanager
def progress(
    title: str, total: int | None = None, *, is_counter: bool = False, is_shown: bool | None = None
) -> Iterator[Callable[..., Any]]:
    """Show a bar on standard error while the block runs.

    total: None where it is told later. is_counter: True shows how many of ``title`` are done, in place of a
    bar, where nobody ever knows the total. is_shown: None where standard error is a terminal.

    Yields a function that moves the bar, by the keywords of ``rich.progress.Progress.update``; where none is
    shown it does nothing.
    """
    if not (sys.stderr.isatty() if is_shown is None else is_shown):
        yield lambda **_: None
        return
    from rich import progress as rich
    from rich.console import Console

    columns: tuple[rich.ProgressColumn, ...] = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeRemainingColumn(),
    )
    if is_counter:
        done = rich.TextColumn("{task.completed:.0f} {task.description}")
        columns = (rich.SpinnerColumn(), done, rich.TimeElapsedColumn())
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        yield partial(bar.update, bar.add_task(title, total=total))
