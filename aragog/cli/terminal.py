"""Lines to standard output and standard error, harmless to a terminal (`aragog.harmless_text`). Tables: `console`.

No other module of the command line prints by itself; a filter's answers go by `input_lines`, in harmless bytes.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from aragog.harmless_text import LogLine, harmless, json_text, one_line


def say(text: str) -> None:
    """Print text now."""
    print(harmless(text), flush=True)


def say_json(value: Any, option: int = 0, *, flush: bool = False) -> None:
    """Print JSON; options are orjson's."""
    print(json_text(value, option), flush=flush)


def tell(line: str) -> None:
    """Print a line about this command to standard error, now."""
    print(f"aragog: {one_line(line)}", file=sys.stderr, flush=True)


def tell_crashes() -> None:
    """Print uncaught exceptions, and log lines without a handler, harmlessly too."""
    sys.excepthook = _crash
    threading.excepthook = lambda crash: _crash(crash.exc_type, crash.exc_value, crash.exc_traceback)
    if logging.lastResort:
        logging.lastResort.setFormatter(LogLine("%(message)s"))


def _crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    print(harmless("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr, flush=True)
