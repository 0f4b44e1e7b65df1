"""Log lines that are harmless to a terminal, and whose beginning is always ours."""

from __future__ import annotations

import logging

from aragog.harmless_text import one_line, visible


class LogLine(logging.Formatter):
    """One line a record; a traceback has its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """The line and its traceback."""
        return visible(super().format(record))
