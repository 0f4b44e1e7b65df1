"""`aragog limits`: override files checked, explained, and tried beside the live one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

import weburl
from aragog.cli.console import Terminal, plain
from aragog.cli.politeness import progress
from aragog.cli.terminal import say, say_json
from aragog.settings import Settings, load
from ratelimiter.ledger.reading import Condition, grants, ledger_files
from ratelimiter.limits import read_overrides
from ratelimiter.overrides import Limit, LimitCandidate, Overrides, explain, in_force, limit_of_qps
from ratelimiter.shadow_decisions import AT_ONCE, DELAYED, REFUSED, ShadowTally
from ratelimiter.shadow_replay import replay
from runtime.clock import wall_ms
from thrift_idl.errors import BadConfiguration

app = typer.Typer(no_args_is_help=True, help="The rate limiter's limits: check a file, explain, try a candidate.")
_SHOWN = 10


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="An override file, TOML or YAML.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check an override file: exit code 0 if the limiter would take it, else 2, with the wrong line and the reason."""
    overrides = read_overrides(file, _default(load()))
    now, counts = wall_ms(), _counts(overrides)
    expired = [limit.name for limit in overrides.all() if not in_force(limit, now)]
    idle = _without_effect(overrides)
    if as_json:
        say_json({"file": str(file), **counts, "expired": expired, "without_effect": idle})
        return
    say(f"{file} is good: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    for name in expired:
        say(f"expired: {name}")
    for name in idle:
        say(f"without effect: {name}: a host's limit must be below its domain's")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A registrable domain, a host, or a URL.")],
    file: Annotated[Path | None, typer.Option(help="An override file instead of the one of the settings.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show the limit of a domain or host, its line in the override file, and the reason for its choice.

    A reservation takes from two budgets: the registrable domain's, and the host's if it has a lower one. The order is
    host, domain, longest wildcard, default. `aragog explain` shows the present state, with holds and blocks.
    """
    settings = load()
    url = weburl.split(name if "://" in name else f"http://{name}/")
    host = weburl.deciding_form(url.host)
    path, overrides = _live(settings, file)
    found = explain(overrides, url.registrable_domain, host, wall_ms())
    if as_json:
        rules = [_rule(candidate) for candidate in found]
        told = {"domain": url.registrable_domain, "host": host, "file": str(path or ""), "rules": rules}
        say_json(told)
        return
    console = Terminal()
    console.print(plain(f"{host}, of the registrable domain {url.registrable_domain}"), style="bold")
    for candidate in found:
        console.print(plain(_rule_line(candidate, path)), style="green" if candidate.won else "dim", soft_wrap=True)


@app.command()
def shadow(
    candidate: Annotated[Path, typer.Argument(help="An override file that isn't in force.")],
    ledger: Annotated[
        list[Path] | None, typer.Argument(help="Ledger files or folders; without, the one of the settings.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Replay the ledger with a candidate file: the grants that it would have given at once, delayed, and refused.

    Only callers that got a slot are on record. To count the refused ones too, name the candidate in the setting
    `ratelimiter.shadow_overrides` and read `aragog explain`, whose limit shows the live counts of both files.
    """
    settings = load()
    overrides = read_overrides(candidate, _default(settings)).without_expired(wall_ms())
    condition = Condition()
    files = ledger_files(ledger or [_ledger_folder(settings)], condition)
    with progress() as watched:
        told = watched("replaying", sum(each.bytes for each in files))
        tally = replay(grants(files, condition, told), overrides)
    if as_json:
        say_json(_tally_json(tally))
        return
    _print_tally(tally, str(candidate))


def _default(settings: Settings) -> Limit:
    return limit_of_qps(settings.ratelimiter.qps)


def _live(settings: Settings, file: Path | None) -> tuple[Path | None, Overrides]:
    """The override file that is in force, or `file`, and its content."""
    path = file or settings.path("ratelimiter.overrides")
    default = _default(settings)
    return path, read_overrides(path, default) if path else Overrides(default)


def _ledger_folder(settings: Settings) -> Path:
    from aragog.assembly.limiting import ledger_folder  # noqa: PLC0415 - opens all that a limiter needs

    if not settings.ratelimiter.ledger:
        raise BadConfiguration("ratelimiter.ledger is off: name a ledger")
    return ledger_folder(settings)


def _counts(overrides: Overrides) -> dict[str, int]:
    kinds = {"domains": overrides.domains, "hosts": overrides.hosts, "wildcards": overrides.wildcards}
    blocked = sum(limit.blocked for limit in overrides.all())
    return {name: len(found) for name, found in kinds.items()} | {"blocked": blocked}


def _without_effect(overrides: Overrides) -> list[str]:
    hosts = ((host, limit, weburl.registrable_domain(host)) for host, limit in overrides.hosts.items())
    return [limit.name for host, limit, domain in hosts if overrides.of_host(domain, host) is None]


def _rule(candidate: LimitCandidate) -> dict[str, object]:
    limit = candidate.limit
    return {
        "limit": limit.name,
        "line": limit.line,
        "budget": candidate.budget,
        "won": candidate.won,
        "why": candidate.why,
        "interval_ms": limit.interval_ms,
        "max_wait_ms": limit.max_wait_ms,
        "blocked": limit.blocked,
        "note": limit.note,
        "expires_ms": limit.expires_ms,
    }


def _rule_line(candidate: LimitCandidate, path: Path | None) -> str:
    limit = candidate.limit
    where = f" ({path}, line {limit.line})" if limit.line else " (the setting ratelimiter.qps)"
    pace = "blocked" if limit.blocked else f"{1_000 / limit.interval_ms:.4g} a second"
    note = f"; note: {limit.note}" if limit.note else ""
    verb = f"the {candidate.budget}'s budget" if candidate.won else "  not"
    return f"{verb}: {limit.name}{where}: {pace}; {candidate.why}{note}"


def _tally_json(tally: ShadowTally) -> dict[str, object]:
    ways = (AT_ONCE, DELAYED, REFUSED)
    return {
        "live": {way: tally.live[way] for way in ways},
        "candidate": {way: tally.candidate[way] for way in ways},
        "slower": dict(tally.slower.most_common(_SHOWN)),
        "faster": dict(tally.faster.most_common(_SHOWN)),
    }


def _print_tally(tally: ShadowTally, candidate: str) -> None:
    console, table = Terminal(), Table()
    for name in ("", "at once", "delayed", "refused"):
        table.add_column(name, justify="right" if name else "left")
    for name, counted in (("as granted", tally.live), (candidate, tally.candidate)):
        table.add_row(plain(name), *(f"{counted[way]:,}" for way in (AT_ONCE, DELAYED, REFUSED)))
    console.print(table)
    _print_changed(console, "later, or refused", tally.slower)
    _print_changed(console, "sooner", tally.faster)
    console.print("callers refused at the time aren't on record; shadow mode counts them live", style="dim")


def _print_changed(console: Terminal, what: str, changed: Counter[str]) -> None:
    if changed:
        most = ", ".join(f"{domain} {count:,}" for domain, count in changed.most_common(_SHOWN))
        console.print(plain(f"{what}: {most}"))
