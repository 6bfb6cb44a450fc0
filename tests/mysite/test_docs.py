"""The pages name only what there is: files, tests, dotted names and links; the map has every room."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from moderation.admin.queue.tabs import TABS
from moderation.retraining import wording
from mysite.demo.environment import BASE_DIR

PAGES = [
    *(BASE_DIR / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
    BASE_DIR / "experiments" / "README.md",
    *sorted((BASE_DIR / "docs").glob("*.md")),
]
MAP = (BASE_DIR / "ARCHITECTURE.md").read_text()
TOP = "moderation|toxicity_ml|mysite|tests|benchmarks|experiments|docs|deploy"
PATH = re.compile(rf"(?<![\w./~-])((?:{TOP})/[\w./*-]*[\w/*])(?:::([A-Za-z_][\w.]*))?")
DOTTED = re.compile(rf"`((?:{TOP})(?:\.[A-Za-z_]\w*)+)(?:\([^`]*\))?`")
CHECK_ID = re.compile(r"moderation\.[EW]\d{3}")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text_of(page: Path) -> str:
    """The page without its blocks of code, whose comments look like headings."""
    return FENCE.sub("", page.read_text())


@cache
def names_in(path: Path) -> frozenset[str]:
    """What a Python file defines: `name`, and `Class.name`."""
    return frozenset(_defined(ast.parse(path.read_text()).body))


def _defined(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _defined(statement.body, f"{prefix}{name}.")
            case ast.Assign(targets=targets):
                yield from (prefix + target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name
            case _:
                pass


def exists(path: str, name: str) -> bool:
    """True where the file or folder is there and, if it is Python, defines `name`."""
    if "*" in path:
        return any(BASE_DIR.glob(path))
    # Pages name a template and a static file as a site does, without the folder that Django looks in.
    folders = (BASE_DIR, BASE_DIR / "moderation" / "templates", BASE_DIR / "moderation" / "static")
    file = next((folder / path for folder in folders if (folder / path).exists()), BASE_DIR / path)
    return file.exists() and (not name or (file.suffix == ".py" and name in names_in(file)))


def resolves(name: str) -> bool:
    """True where a dotted name leads to a module, or to what is defined there and not merely imported."""
    try:
        target, parent = (pkgutil.resolve_name(part) for part in (name, name.rpartition(".")[0]))
    except (ImportError, AttributeError):
        return False
    is_imported = (
        inspect.isfunction(target) and inspect.ismodule(parent) and target.__module__ != parent.__name__
    )
    return not is_imported or hasattr(parent, "__path__")  # a package is there to hand names on


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub links to them."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_every_path_and_every_test_that_a_page_names_exists(page: Path) -> None:
    named = PATH.findall(page.read_text())
    assert sorted({f"{path}::{name}" for path, name in named if not exists(path, name)}) == []


@each_page
def test_every_dotted_name_of_a_page_resolves(page: Path) -> None:
    names = {name for name in DOTTED.findall(text_of(page)) if not CHECK_ID.fullmatch(name)}
    assert sorted(name for name in names if not resolves(name)) == []


@each_page
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(text_of(page)):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def rooms() -> Iterator[str]:
    """Folders with code, modules beside them, and pages: what the map has a line for."""
    for top in ("moderation", "toxicity_ml", "mysite", "tests"):
        for path in sorted((BASE_DIR / top).glob("*")):
            if path.is_dir() and path.name != "migrations" and any(path.rglob("*.py")):
                yield f"{top}/{path.name}/"
            elif path.suffix == ".py" and not path.name.startswith("__"):
                yield f"{top}/{path.name}"
    for pattern in ("benchmarks/*.py", "experiments/*.py", "docs/*.md"):
        paths = (path.relative_to(BASE_DIR) for path in BASE_DIR.glob(pattern))
        yield from sorted(str(path) for path in paths if not path.name.startswith("__"))


@pytest.mark.parametrize("room", list(rooms()))
def test_every_room_has_its_line_in_the_map(room: str) -> None:
    assert f"| `{room}` |" in MAP


def test_floors_of_the_map_are_those_that_the_linter_holds() -> None:
    settings = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]
    floors = [contract["layers"] for contract in settings["contracts"] if "containers" in contract]
    assert len(floors) == 2
    for layers in floors:
        assert "```\n" + "\n".join(layers) + "\n```" in MAP


def test_each_letter_of_the_state_diagrams_has_its_line() -> None:
    page = (BASE_DIR / "docs" / "screening.md").read_text()
    diagrams = "".join(re.findall(r"^```mermaid\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    drawn = [
        letter for edge in re.findall(r": ([A-Z, ]+)$", diagrams, re.MULTILINE) for letter in edge.split(", ")
    ]
    told = re.findall(r"^\| \*\*([A-Z]+)\*\* \|", page, re.MULTILINE)
    assert told == sorted(set(drawn), key=lambda letter: (len(letter), letter))


def test_words_of_the_glossary_are_in_order_and_told_once() -> None:
    words = re.findall(r"^\*\*([^*]+)\*\*", (BASE_DIR / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert words == sorted(set(words), key=str.lower)


def test_the_guide_for_moderators_tells_every_key_and_every_list_of_the_queue() -> None:
    guide = (BASE_DIR / "docs" / "moderators.md").read_text()
    screening = BASE_DIR / "moderation" / "templates" / "admin" / "moderation" / "screening"
    keys = re.findall(r"<kbd>(.)</kbd>", (screening / "_console.html").read_text())
    table = guide.partition("### Keys")[2].partition("## Search")[0]
    assert len(keys) > 10
    assert re.findall(r"<kbd>(.)</kbd>", table) == keys
    assert re.findall(r"^\| \*\*([^*]+)\*\* \|", guide.partition("## Read")[0], re.MULTILINE) == [
        str(tab.title) for tab in TABS
    ]


@pytest.mark.parametrize(("guide", "fewest", "most"), [("moderators", 8, 12), ("retraining", 3, 5)])
def test_pictures_of_a_guide_are_told_in_words_and_load_quickly(guide: str, fewest: int, most: int) -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\((images/[^)]+)\)", (BASE_DIR / "docs" / f"{guide}.md").read_text())
    assert fewest <= len(pictures) <= most
    for words, path in pictures:
        assert len(words.split()) > 3, path
        assert (BASE_DIR / "docs" / path).stat().st_size <= 150_000, path


def test_the_guide_to_retraining_says_what_to_do_about_each_guard_that_fails() -> None:
    guide = (BASE_DIR / "docs" / "retraining.md").read_text()
    told = guide.partition("| Guard that failed |")[2].partition("\n\n")[0]
    titles = {title for name, (title, _) in wording.GUARDS.items() if name not in wording.RATES}
    assert set(re.findall(r"\*([^*]+)\*", "".join(re.findall(r"^\| [^|]+ \|", told, re.MULTILINE)))) == titles
    assert all(f"*{title}*" in guide for title, _ in wording.GUARDS.values())
