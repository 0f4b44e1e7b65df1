"""The command line: `python -m deploy.engines start|stop|status|env [NAME...]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from deploy.engines.catalogue import NAMES, running, shared, sweep
from deploy.engines.engine import Engine, EngineState
from deploy.engines.errors import EngineError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit code 1 if any engine failed. Progress goes to standard error."""
    options = _parser().parse_args(arguments)
    names = options.names or NAMES
    if unknown := set(names) - set(NAMES):
        _say(f"no engine is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
        return 2
    return int(options.command(tuple(names), options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.engines", description="Real engines on loopback.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, words in (
        (_start, "start engines side by side; print their URLs as configuration"),
        (_stop, "stop engines, their data and ports kept"),
        (_status, "list the engines"),
        (_env, "print the URLs of running engines as configuration"),
    ):
        sub = commands.add_parser(command.__name__.lstrip("_"), help=words, description=words)
        sub.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; default: all")
        sub.set_defaults(command=command)
        if command is _stop:
            sub.add_argument("--wipe", action="store_true", help="remove their data, too")
    return parser


def _start(names: Sequence[str], options: argparse.Namespace) -> int:
    sweep()
    failed = _side_by_side(names, _start_one)
    _env(NAMES, options)
    return failed


def _start_one(engine: Engine) -> None:
    began = time.monotonic()
    fresh = engine.start()
    took = f"ready in {time.monotonic() - began:.1f} s" if fresh else "was running already"
    _say(f"{engine.name:14} {took}, port {engine.port}, {engine.rss_kib() // 1024} MiB")


def _stop(names: Sequence[str], options: argparse.Namespace) -> int:
    sweep()
    return _side_by_side(names, _wipe_one if options.wipe else _stop_one)


def _stop_one(engine: Engine) -> None:
    was = engine.state
    engine.stop()
    _say(f"{engine.name:14} {'was not running' if was is EngineState.STOPPED else 'stopped'}")


def _wipe_one(engine: Engine) -> None:
    engine.wipe()
    _say(f"{engine.name:14} stopped, data removed")


def _status(names: Sequence[str], _: argparse.Namespace) -> int:
    answering = running()
    for name in names:
        engine = shared(name)
        state = engine.state.value
        if engine.state is EngineState.RUNNING and name not in answering:
            state = "running, but does not answer"
        where = f"{engine.rss_kib() // 1024:5} MiB  {engine.url}" if engine.pids else ""
        print(f"{name:14} {state:9} {where}".rstrip())
    return 0


def _env(names: Sequence[str], _: argparse.Namespace) -> int:
    """Print shell exports, and the same as TOML in comments, so that a shell can evaluate the whole."""
    urls = {name: engine.url for name, engine in running().items() if name in names}
    for name, url in urls.items():
        print(f"export ARAGOG_ENGINE_{name.upper().replace('-', '_')}={url}")
    print("# As TOML:")
    for name, url in urls.items():
        print(f'# {name.replace("-", "_")} = "{url}"')
    return 0


def _side_by_side(names: Sequence[str], act: Callable[[Engine], None]) -> int:
    """Apply it to all at once; return 1 if any failed; each failure is printed."""

    def attempt(name: str) -> bool:
        try:
            act(shared(name))
        except EngineError as error:
            _say(f"{name:14} failed: {error}")
            return False
        return True

    with ThreadPoolExecutor(len(names)) as pool:
        return 0 if all(list(pool.map(attempt, names))) else 1


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
