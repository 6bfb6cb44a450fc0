"""requirements.txt, from which `make` installs, is pyproject.toml with every extra: no more, no less."""

from __future__ import annotations

import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mysite.demo.environment import BASE_DIR

PROJECT = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GIVEN = (BASE_DIR / "requirements.txt").read_text(encoding="utf-8").splitlines()


def declared() -> list[Requirement]:
    """What pyproject.toml asks for, in all extras, but for the extras themselves."""
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    requirements = [Requirement(text) for texts in lists for text in texts]
    return [each for each in requirements if canonicalize_name(each.name) != PROJECT["name"]]


def installed() -> list[Requirement]:
    """What requirements.txt asks for."""
    return [Requirement(text) for line in GIVEN if (text := line.partition("#")[0].strip())]


def written(requirement: Requirement) -> str:
    """A requirement in one spelling."""
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


def test_requirements_txt_has_what_pyproject_has_in_the_same_ranges() -> None:
    assert sorted(map(written, installed())) == sorted(set(map(written, declared())))


def test_no_package_has_two_ranges() -> None:
    names = [canonicalize_name(Requirement(text).name) for text in set(map(written, declared()))]
    assert len(names) == len(set(names))
