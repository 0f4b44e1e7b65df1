"""No text from outside drives a terminal: every code point is looked at, and every way that our commands print."""

from __future__ import annotations

import ast
import json
import logging
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import orjson
import pytest
from rich.panel import Panel
from rich.table import Table

import aragog
from aragog.cli.console import Terminal, plain
from aragog.harmless_text import HARMFUL, LogLine, harmless, json_text, one_line

ALL = [chr(code) for code in range(sys.maxunicode + 1)]
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u180e\u200b\u2060\u2061\u2062\u2063\u2064\u2065\u206a\u206b\u206c\u206d\u206e\u206f\ufeff"
ANNOTATIONS = "\ufff9\ufffa\ufffb"
TAGS = [chr(code) for code in range(0xE0000, 0xE0080)]
HARM = "\x1b[31m\x9b31m\u202eevil\u2066\u2028\x7f\U000e0041\ufeff[red]x[/red]"


def test_of_all_code_points_what_is_harmful_is_escaped_and_the_rest_stays() -> None:
    categories = {"Cc", "Cs", "Zl", "Zp"}
    harmful = {each for each in ALL if unicodedata.category(each) in categories}
    harmful |= {*BIDI, *INVISIBLE, *ANNOTATIONS, *TAGS}
    harmful -= {"\n", "\t"}
    for each in ALL:
        escaped = harmless(each)
        assert (escaped != each) == (each in harmful), hex(ord(each))
        if each in harmful:
            assert escaped.isascii() and escaped.isprintable() and ast.literal_eval(f"'{escaped}'") == each
    assert one_line("a\nb\tc") == "a\\nb\\tc"
    assert harmless("\x1b\x9b\u202e\U000e0041") == r"\x1b\x9b\u202e\U000e0041"


def test_json_means_the_same_and_its_bytes_are_harmless() -> None:
    scalars = "".join(each for each in ALL if unicodedata.category(each) != "Cs")
    for value in (scalars, {scalars: [scalars]}, "\x7f", "\x7f\udc9b", ["\ud800", "\udfff"], "plain"):
        written = json_text(value)
        assert not HARMFUL.search(written)
        assert json.loads(written) == value
    assert json_text({"b": "ä\x9b", "a": 1}, orjson.OPT_SORT_KEYS) == '{"a":1,"b":"ä\\u009b"}'


def test_a_console_prints_nothing_harmful_and_takes_no_mark_up(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(HARM, title=HARM)
    table.add_row(HARM)
    table.add_row(plain(HARM))
    Terminal().print(HARM, plain(HARM), Panel(table, title=HARM), width=60)
    Terminal(stderr=True).print(HARM)
    shown = capsys.readouterr()
    for said in shown:
        assert not HARMFUL.search(said)
        assert "[red]x[/red]" in said and "\\x9b31m" in said and "\\u202eevil" in said


def test_on_a_terminal_the_sequences_are_richs_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    Terminal().print(plain(HARM), style="green")
    said = capsys.readouterr().out
    assert "\x1b[32m" in said
    assert not HARMFUL.search(re.sub(r"\x1b\[[0-9;]*m", "", said)) and "\x1b[31m" not in said


def test_a_log_line_is_one_line_and_harmless() -> None:
    try:
        raise ValueError(f"{HARM}\nand more")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "%s", (f"{HARM}\nERROR forged",), sys.exc_info())
    lines = LogLine("%(levelname)s %(message)s").format(record).split("\n")
    assert not any(HARMFUL.search(line) for line in lines)
    assert "\\nERROR forged" in lines[0] and lines[1].startswith("Traceback")


def test_what_nobody_caught_is_told_harmlessly() -> None:
    program = f"""
import logging, threading
from aragog.cli.terminal import tell_crashes
def fail():
    raise ValueError({HARM!r})
tell_crashes()
logging.getLogger("x").warning({HARM!r})
threading.Thread(target=fail).start()
fail()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert not HARMFUL.search(done.stderr) and done.stderr.count("\\u202eevil") == 3


def test_nothing_else_prints() -> None:
    root = Path(aragog.__file__).parent
    ours = {root / "cli" / "terminal.py", root / "cli" / "console.py"}
    for path in sorted(set(root.rglob("*.py")) - ours):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("print", "Console", "rich.print", "typer.echo", "typer.secho", "click.echo"), path
                assert not re.fullmatch(r"sys\.std(out|err)\.write", called), path
            if isinstance(node, ast.Call) and path.parent.name == "cli" and ast.unparse(node.func) == "orjson.dumps":
                raise AssertionError(f"{path}: JSON is written by aragog.harmless_text.json_text")
