"""The filters as people and scripts run them: real processes, pipes, hostile lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aragog.cli import app
from tests.support.page_record_schema import check
from tests.support.processes import environment

ARAGOG = [sys.executable, "-m", "aragog"]
MIB = 1024 * 1024
EACH = [
    (("url", "parse"), {"url": "http://h"}, "href"),
    (("url", "normalize"), {"url": "http://h"}, "normalized"),
    (("url", "key"), {"url": "http://h"}, "key"),
    (("url", "domain"), {"url": "http://h"}, "domain"),
    (("robots", "check"), {"robots": "", "agent": "a", "url": "http://h"}, "allowed"),
    (("address", "check"), {"address": "127.0.0.1"}, "allowed"),
    (("extract",), {"url": "http://h", "html": "<title>T"}, "title"),
]
COMMANDS = [command for command, _, _ in EACH]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """No configuration; a data directory that nobody may make; a home that doesn't exist."""
    return environment(data_dir="/dev/null/data") | {"HOME": "/dev/null"}


def run(env: dict[str, str], *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*ARAGOG, *arguments], input=given, env=env, capture_output=True, timeout=110, check=False)


def answers(done: subprocess.CompletedProcess[bytes]) -> list[Any]:
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def started(env: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # Jobs in a shell's background ignore SIGINT, and so would their children.
    command = ["env", "--default-signal=INT", *ARAGOG, *arguments]
    with subprocess.Popen(command, env=env, start_new_session=True, **pipes) as process:  # type: ignore[call-overload]  # a test's business
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("command", "good", "key"), EACH)
def test_every_bad_line_is_answered_in_its_place_and_the_run_goes_on(
    env: dict[str, str], command: tuple[str, ...], good: dict[str, str], key: str
) -> None:
    fine = json.dumps(good).encode()
    bad = [b"", b"\xff\xfe", b"\x00", b"[" * 100_000, b'{"a":' * 3_000, b"null", b"[]", b"{}", b'{"url":7}']
    lines = [line for each in bad for line in (each, fine)]
    found = answers(run(env, *command, "--jsonl", given=b"\n".join(lines)))  # the last line has no end
    assert len(found) == len(lines)
    assert all(list(answer) == ["error"] for answer in found[::2])
    assert all(key in answer and answer == found[1] for answer in found[1::2])


@pytest.mark.parametrize(("command", "good", "key"), [EACH[0], EACH[4], EACH[6]])
def test_a_line_of_100_mb_is_read_past(
    env: dict[str, str], command: tuple[str, ...], good: dict[str, str], key: str
) -> None:
    fine = json.dumps(good).encode() + b"\n"
    long = b'{"url": "http://h/' + b"x" * 100 * MIB + b'"}\n'
    found = answers(run(env, *command, "--jsonl", given=fine + long + fine))
    assert [list(answer) == ["error"] for answer in found] == [False, True, False]
    assert "longer than" in found[1]["error"]


@pytest.mark.parametrize(("command", "good", "key"), EACH)
def test_a_co_process_is_answered_line_by_line_and_ends_quietly_when_nobody_reads(
    env: dict[str, str], command: tuple[str, ...], good: dict[str, str], key: str
) -> None:
    with started(env, *command, "--jsonl") as process:
        assert process.stdin and process.stdout and process.stderr
        for _ in range(3):  # each answer is waited for before the next line is written
            process.stdin.write(json.dumps(good).encode() + b"\n")
            process.stdin.flush()
            assert key in json.loads(process.stdout.readline())
        process.stdout.close()
        process.stdin.write(json.dumps(good).encode() + b"\n")
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[6]])
def test_ctrl_c_ends_a_run_without_a_traceback(env: dict[str, str], command: tuple[str, ...]) -> None:
    with started(env, *command, "--jsonl") as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(b"{\n")
        process.stdin.flush()
        assert b"error" in process.stdout.readline()  # it runs
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == b""


def test_closed_and_full_pipes_are_named_without_a_traceback(env: dict[str, str]) -> None:
    aragog = " ".join(ARAGOG)
    for shell in (
        f"{aragog} url parse <&-",
        f"{aragog} extract --jsonl <&-",
        f"echo x | {aragog} url parse >&-",
        f"echo x | {aragog} address check >/dev/full",
    ):
        done = subprocess.run(shell, shell=True, env=env, capture_output=True, timeout=60, check=False)
        assert done.returncode == 1, shell
        assert done.stderr.startswith(b"aragog: standard input or output: "), done.stderr


# --- what people type ---


def test_arguments_are_answered_on_standard_output_and_refused_on_standard_error(env: dict[str, str]) -> None:
    done = run(env, "url", "parse", "HTTP://Example.com:80/a/../b c", "nope", "//h", "--base", "https://x")
    assert done.stdout == b"http://example.com/b%20c\nhttps://x/nope\nhttps://h/\n"
    done = run(env, "url", "parse", "nope", "http://h")
    assert (done.returncode, done.stdout) == (1, b"http://h/\n")
    assert done.stderr == b"aragog: 'nope': 'nope' is no valid URL\n"
    done = run(env, "url", "domain", "--jsonl", "nope", "http://www.a.co.uk")
    assert done.returncode == 1
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"error": "'nope' is no valid URL"},
        {"domain": "a.co.uk"},
    ]


def test_plain_lines_are_answered_by_plain_lines(env: dict[str, str], tmp_path: Path) -> None:
    done = run(env, "url", "normalize", given=b"http://h/?b&a\r\n\nhttp://\xff\nhttp://h/%7e")
    assert done.stdout.decode().splitlines() == [
        "http://h/?a&b",
        "error\t'' is no valid URL",
        "error\tthe line is no UTF-8: invalid start byte at byte 7",
        "http://h/~",
    ]
    (tmp_path / "robots.txt").write_bytes(b"User-agent: *\nDisallow: /x\xff\x1b[2J\n")
    arguments = ("robots", "check", "--robots", str(tmp_path / "robots.txt"), "--agent", "Googlebot/2.1 (+http://g/)")
    done = run(env, *arguments, given=b"http://h/x%ff%1b[2J\n/y\n")
    assert done.stdout.decode().splitlines() == ["denied\t2\tdisallow: /x?\ufffd[2J\t*", "allowed\t-\t-\t*"]
    (tmp_path / "much.txt").write_bytes(b"User-agent: *\n" + b"Allow: /\n" * 40_001)
    done = run(env, "robots", "check", "--robots", str(tmp_path / "much.txt"), "/x")
    assert done.stdout.startswith(b"denied\t-\t-\t*\tthe file has more than 40,000 rules for us: ")
    done = run(env, "address", "check", "8.8.8.8", "http://2130706433/")
    assert done.stdout.startswith(b"allowed\tpublic address\ndenied\t127.0.0.1 ")
    assert run(env, "robots", "check", "/x").returncode == 2
    assert run(env, "robots", "check", "--robots", str(tmp_path / "none"), "/x").returncode == 2


def test_no_dot_segments_lead_past_a_rule_of_robots(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_text("User-agent: *\nDisallow: /private/\n")
    ways = ["/private/s", "/x/.a/../../private/s", "/x/.a/%2e%2E/../private/s", "/.x/./.././private/s"]
    given = "\n".join(f"http://h{way}" for way in ways).encode()
    done = run(env, "robots", "check", "--robots", str(tmp_path / "robots.txt"), given=given)
    assert [line.partition("\t")[0] for line in done.stdout.decode().splitlines()] == ["denied"] * len(ways)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_an_example(command: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    assert "--jsonl" in shown.output
    assert shown.output.count(f"aragog {' '.join(command)}") > 1  # usage, and examples


# --- extract ---


def test_pages_come_as_text_as_bytes_and_as_files_and_keep_their_order(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes("<title>\u043f</title><a href=x>".encode("koi8-r"))
    slow = "<div>" * 400 + "<b>x</b>" * 60_000
    lines = [
        {"url": "http://h/", "html": f"<title>0</title>{slow}"},
        {"url": "http://h/", "html": "<title>1</title>"},
        {"url": "http://h/", "path": str(tmp_path / "page.html"), "content_type": "text/html; charset=KOI8-R"},
        {"url": "http://h/", "html_base64": "PHRpdGxlPjM"},
        {"url": "http://h/", "path": str(tmp_path)},
        {"url": "http://h/", "html": "<title>5</title>", "content_type": "image/png"},
    ]
    found = answers(run(env, "extract", "--jsonl", given="\n".join(map(json.dumps, lines)).encode()))
    assert [answer.get("title") for answer in found] == ["0", "1", "\u043f", "3", None, ""]
    assert (found[2]["charset"], found[2]["outlinks"][0]["url"]) == ("koi8-r", "http://h/x")
    assert found[5]["flags"] == ["not_html"]
    for answer in found[:4]:
        check(answer)


def test_a_file_s_card_is_shown_and_why(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(b"<title>T</title><meta property=og:title content='Roses \x1b[31m'>")
    file = str(tmp_path / "page.html")
    card = run(env, "extract", file)
    assert card.returncode == 0
    assert b"Roses" in card.stdout
    assert b"\x1b" not in card.stdout
    assert b"og:title" not in card.stdout
    why = run(env, "extract", "--why", file).stdout
    assert b"og:title" in why
    assert b"won" in why


def test_a_file_is_extracted_from_the_command_line(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(b"<title>T</title><a href=/x>y</a><a href=http://o/>z</a>")
    file = str(tmp_path / "page.html")
    (record,) = answers(run(env, "extract", "--json", "--url", "http://h/", file))
    assert [link["url"] for link in record["outlinks"]] == ["http://h/x", "http://o/"]
    (record,) = answers(run(env, "extract", given=file.encode()))
    assert [link["url"] for link in record["outlinks"]] == ["http://o/"]
    done = run(env, "extract", "--json", "nowhere.html", file)
    assert (done.returncode, done.stdout.count(b"\n")) == (1, 1)
    assert done.stderr == b"aragog: 'nowhere.html': 'nowhere.html': No such file or directory\n"
