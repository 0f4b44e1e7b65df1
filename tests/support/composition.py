"""docker-compose.yml as its reader sees it: merged, its variables filled in, the services of ours told from engines."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

REPOSITORY = Path(__file__).resolve().parents[2]
FILE = REPOSITORY / "docker-compose.yml"
#: The image that deploy/Dockerfile builds; its entry point is `aragog`.
OUR_IMAGE = "aragog"
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Z_0-9]+)(?::-(?P<default>[^}]*))?\})")
_UNITS_S = {"s": 1, "m": 60}


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the file, in the words that the tests need."""

    name: str
    raw: Mapping[str, Any]

    @property
    def image(self) -> tuple[str, str]:
        """Repository and tag."""
        repository, _, tag = self.raw["image"].partition(":")
        return repository, tag

    @property
    def is_ours(self) -> bool:
        return self.image[0] == OUR_IMAGE

    @property
    def kind(self) -> str:
        """The service's kind, one for several: the shards of the limiter have a letter each."""
        return re.sub(r"-[a-z]$", "", self.name)

    @property
    def command(self) -> list[str]:
        return list(self.raw.get("command", ()))

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.raw.get("environment", {}))

    @property
    def exposed(self) -> set[int]:
        return {int(port) for port in self.raw.get("expose", ())}

    @property
    def networks(self) -> set[str]:
        return set(self.raw.get("networks", ()))

    @property
    def volumes(self) -> list[str]:
        """The volumes that it keeps data in; folders of the repository, mounted to be read, are none."""
        mounted = [mount.partition(":")[0] for mount in self.raw.get("volumes", ())]
        return [source for source in mounted if not source.startswith("./")]

    @property
    def waits_for(self) -> dict[str, str]:
        """Service -> the condition that it is waited for."""
        return {name: how["condition"] for name, how in self.raw.get("depends_on", {}).items()}

    @property
    def health_command(self) -> list[str]:
        """The command of the health check, without a shell if it has none; [] = there is no check."""
        kind: str
        words: list[str]
        kind, *words = self.raw.get("healthcheck", {}).get("test", ["NONE"])
        if kind == "CMD":
            return words
        return ["sh", "-c", *words] if kind == "CMD-SHELL" else []

    @property
    def stop_grace_s(self) -> int:
        text = self.raw["stop_grace_period"]
        return int(text[:-1]) * _UNITS_S[text[-1]]


def filled(text: str, environment: Mapping[str, str]) -> str:
    """`text` with its `${NAME:-default}` filled in, and `$$` a dollar, as the compose specification says."""

    def value(found: re.Match[str]) -> str:
        name = found["name"]
        return environment.get(name) or found["default"] or "" if name else "$"

    return _VARIABLE.sub(value, text)


def variables(text: str) -> dict[str, str | None]:
    """The variables that `text` asks for, and their defaults; None = it has none."""
    return {found["name"]: found["default"] for found in _VARIABLE.finditer(text) if found["name"]}


def tree(environment: Mapping[str, str] | None = None) -> Any:
    """The whole file as plain mappings and lists, as on a machine whose environment is `environment`."""
    return _plain(_read(), environment or {})


def services(environment: Mapping[str, str] | None = None) -> dict[str, Service]:
    """All services by name."""
    return {name: Service(name, raw) for name, raw in tree(environment)["services"].items()}


def our_services() -> dict[str, Service]:
    """Services, workers and commands of ours."""
    return {name: service for name, service in services().items() if service.is_ours}


def engines() -> dict[str, Service]:
    """All others."""
    return {name: service for name, service in services().items() if not service.is_ours}


@functools.cache
def _read() -> Any:
    return YAML(typ="safe", pure=True).load(FILE.read_text())


def _plain(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, environment) for item in value]
    return filled(value, environment) if isinstance(value, str) else value
