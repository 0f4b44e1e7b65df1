"""deploy/Dockerfile: two stages, pinned, not root, and with everything that the package is made of."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch

import pytest

from tests.support.composition import OUR_IMAGE, REPOSITORY, services

DOCKERFILE = REPOSITORY / "deploy" / "Dockerfile"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def _instructions() -> list[tuple[str, str]]:
    joined = DOCKERFILE.read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def _stages() -> list[list[tuple[str, str]]]:
    stages: list[list[tuple[str, str]]] = []
    for word, rest in _instructions():
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, rest))
    return stages


def _kept() -> list[str]:
    """The content of the build context: the names after `!`, because everything else is left out first."""
    lines = (REPOSITORY / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    return [rule.removeprefix("!") for rule in rules if rule.startswith("!")]


def test_it_is_where_the_compose_file_looks() -> None:
    builds = [service.raw["build"] for service in services().values() if service.image[0] == OUR_IMAGE]
    assert builds and all(build == {"context": ".", "dockerfile": "deploy/Dockerfile"} for build in builds)


def test_what_builds_stays_behind() -> None:
    build, final = _stages()
    assert build[0][1].endswith(" AS build")
    assert not [rest for word, rest in final if word == "RUN" and "pip" in rest]
    assert [rest.split()[1] for word, rest in final if word == "COPY"] == ["/opt/aragog"]


@pytest.mark.parametrize("number", [0, 1])
def test_each_stage_is_a_slim_python_that_the_package_runs_on(number: int) -> None:
    image = _stages()[number][0][1].split()[0]
    assert re.fullmatch(r"python:3\.11-slim-\w+", image)
    assert PROJECT["project"]["requires-python"] == ">=3.11"


def test_versions_are_those_of_the_constraints_and_the_drivers_are_in() -> None:
    (install,) = [rest for word, rest in _stages()[0] if word == "RUN" and "pip install" in rest]
    assert "--constraint constraints.txt" in install
    assert ".[distributed]" in install
    assert "distributed" in PROJECT["project"]["optional-dependencies"]


def test_it_runs_as_a_user_without_rights() -> None:
    final = _stages()[-1]
    words = [word for word, _ in final]
    assert dict(final)["USER"] not in ("root", "0")
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_the_entry_point_is_the_command_of_the_package() -> None:
    assert dict(_stages()[-1])["ENTRYPOINT"] == '["aragog"]'
    assert "aragog" in PROJECT["project"]["scripts"]


def test_every_package_and_what_its_build_reads_is_in_the_build_context() -> None:
    patterns = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    needed = [path.parent.name for path in REPOSITORY.glob("*/__init__.py")]
    packages = [name for name in needed if any(fnmatch(name, pattern) for pattern in patterns)]
    files = ["pyproject.toml", "constraints.txt", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]]
    assert sorted(_kept()) == sorted([*packages, *files])
    assert all((REPOSITORY / name).exists() for name in _kept())
