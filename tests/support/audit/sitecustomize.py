"""Imported by Python itself at start-up where this folder is on PYTHONPATH: notes each file and database opened."""

import os
import sys

_record = os.environ.get("ARAGOG_TORTURE_AUDIT")
if _record:
    _descriptor = os.open(_record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def _note(event: str, arguments: tuple) -> None:
        if event in ("open", "sqlite3.connect") and isinstance(arguments[0], (str, bytes)):
            os.write(_descriptor, os.fsencode(arguments[0]) + b"\n")

    sys.addaudithook(_note)
