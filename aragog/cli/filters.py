"""The common part of all filters: fields in, one answer out, for each line of standard input or each argument.

With --jsonl a line is a JSON object, and so is its answer. Otherwise a line is the text that the command works on, and
the answer is its values, separated by tabs. Each line has its answer, in order. The answer to a bad line is
`{"error": ...}`; in plain lines `error`, a tab and the reason.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import orjson
import typer

from aragog.cli.input_lines import Line, batches, check_open, incoming, piped, write, write_patiently
from aragog.cli.terminal import tell
from aragog.harmless_text import HARMFUL, json_text
from thrift_idl.errors import AragogError, InvalidRequest

Fields = Mapping[str, Any]
Answer = Mapping[str, Any]
Answering = Callable[[Fields], Answer]
Later = Callable[[Fields], Awaitable[Answer]]
T = TypeVar("T")

MIB = 1024 * 1024
Jsonl = Annotated[bool, typer.Option("--jsonl", help="JSON objects in and out, one a line.")]

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_UNPRINTED = re.compile(f"[\n\t]|{HARMFUL.pattern}")


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a filter's lines."""

    jsonl: bool
    fields_of: Callable[[str], Fields]
    """The fields of a plain line or an argument."""
    columns: tuple[str, ...] = ()
    """Keys of the answer that a plain line shows; none = plain answers are JSON too."""
    most: int = MIB
    """Bytes of the longest line."""
    at_times: tuple[str, ...] = ()
    """Keys that a plain line shows, too, if the answer has them."""

    def read(self, line: Line) -> Fields:
        """The fields of a line. Raises `InvalidRequest`."""
        if line is None:
            raise InvalidRequest(f"the line is longer than {self.most} bytes")
        if self.jsonl:
            return fields_of_json(line)
        try:
            return self.fields_of(line.decode())
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"the line is no UTF-8: {error.reason} at byte {error.start}") from None

    def written(self, answer: Answer) -> bytes:
        """The line of an answer."""
        if self.jsonl or not self.columns:
            return json_text(answer).encode() + b"\n"
        if "error" in answer:
            return f"error\t{_word(answer['error'])}\n".encode()
        shown = [*self.columns, *(name for name in self.at_times if name in answer)]
        return "\t".join([_word(answer[name]) for name in shown]).encode() + b"\n"


def _word(value: Any) -> str:
    """A value as people read it, without characters that would move their cursor or end the line."""
    if isinstance(value, bool):
        return "allowed" if value else "denied"
    return "-" if value is None else _UNPRINTED.sub("\ufffd", str(value).encode("utf-8", "replace").decode())


# --- fields ---


def fields_of_json(line: bytes) -> Fields:
    """The object of a line. Raises `InvalidRequest`."""
    try:
        value = orjson.loads(line)
    except ValueError as error:
        value = _with_lone_surrogates(line, error)
    if not isinstance(value, dict):
        raise InvalidRequest("the line is JSON, but no object")
    return value


def _with_lone_surrogates(line: bytes, error: ValueError) -> Any:
    """Text with a lone surrogate, which orjson refuses, is accepted here, as by browsers."""
    if not _SURROGATE.search(line):
        raise InvalidRequest(f"the line is no JSON: {error}") from None
    try:
        return json.loads(line.decode())
    except (ValueError, RecursionError) as other:
        raise InvalidRequest(f"the line is no JSON: {other}") from None


def text_of(fields: Fields, name: str) -> str:
    """The text under `name`. Raises `InvalidRequest`."""
    value = fields.get(name)
    if not isinstance(value, str):
        wrong = f"is {_kind(value)}, not text" if name in fields else "is missing"
        raise InvalidRequest(f'"{name}" {wrong}')
    return value


def optional_text_of(fields: Fields, name: str) -> str | None:
    """The text under `name`; None if there is none, or null. Raises `InvalidRequest`."""
    return None if fields.get(name) is None else text_of(fields, name)


def one_of(fields: Fields, *names: str) -> str:
    """The one of `names` that `fields` has. Raises `InvalidRequest` if it has none or several."""
    there = [name for name in names if fields.get(name) is not None]
    if len(there) != 1:
        wanted = " or ".join(f'"{name}"' for name in names)
        raise InvalidRequest(f"{wanted} is missing" if not there else f"{wanted}: give only one of them")
    return there[0]


def scalar(text: str) -> str:
    """`text` with each lone surrogate replaced by U+FFFD: then it can be encoded."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _kind(value: Any) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", list: "an array", dict: "an object"}
    return kinds.get(type(value), "null")


def refusal(error: Exception) -> Answer:
    """The answer to a line that has none: after any error the next line is answered."""
    if isinstance(error, AragogError):
        return {"error": scalar(str(error))}
    return {"error": f"internal error: {type(error).__name__}"}


# --- filters that answer at once ---


def respond(shape: Shape, answer: Answering, line: Line) -> bytes:
    """One line to one line. Raises nothing."""
    try:
        return shape.written(answer(shape.read(line)))
    except Exception as error:  # after any error the next line is answered
        return shape.written(refusal(error))


def run_filter(shape: Shape, answer: Answering, values: Sequence[str] | None) -> None:
    """Answer `values`, or else the lines of standard input."""
    with piped():
        if values:
            well = [_tell(shape, value, _answered(shape, answer, value)) for value in values]
            if not all(well):
                raise typer.Exit(1)
            return
        for batch in batches(shape.most):
            write(b"".join([respond(shape, answer, line) for line in batch]))


def _answered(shape: Shape, answer: Answering, value: str) -> Answer:
    try:
        return answer(shape.fields_of(value))
    except Exception as error:  # as above
        return refusal(error)


def _tell(shape: Shape, value: str, found: Answer) -> bool:
    """Print the answer to an argument, an error to standard error; True if the answer was good."""
    if "error" in found and not shape.jsonl:
        tell(f"{value!a}: {_word(found['error'])}")
    else:
        write(shape.written(found))
    return "error" not in found


# --- filters whose answers take time ---


def run_piped(filtering: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine that ends in `run_filter_in_flight`, on its own loop."""
    from aragog.cli.command_context import run  # noqa: PLC0415 - the filters that answer at once start without it

    with piped():
        check_open()
        run(filtering())


async def run_filter_in_flight(shape: Shape, answer: Later, values: Sequence[str] | None, at_once: int) -> None:
    """Like `run_filter`, with up to `at_once` lines in progress. Run it by `run_piped`."""

    async def answered(fields_of: Callable[[], Fields]) -> Answer:
        try:
            return await answer(fields_of())
        except Exception as error:  # as above
            return refusal(error)

    if values:
        made = in_order(_each(values), lambda value: answered(lambda: shape.fields_of(value)), at_once)
    else:
        made = in_order(incoming(shape.most), lambda line: answered(lambda: shape.read(line)), at_once)
    async with aclosing(made):
        if not values:
            async for found in made:
                await write_patiently(shape.written(found))
            return
        rest = iter(values)
        well = [_tell(shape, next(rest), found) async for found in made]
    if not all(well):
        raise typer.Exit(1)


async def _each(values: Sequence[str]) -> AsyncIterator[str]:
    for value in values:
        yield value


async def in_order(
    items: AsyncIterator[T], answer: Callable[[T], Awaitable[Answer]], at_once: int
) -> AsyncGenerator[Answer, None]:
    """The answers to `items` in their order, `at_once` of them in progress or waiting for an earlier one."""
    places = asyncio.Semaphore(at_once)
    under_way: asyncio.Queue[asyncio.Future[Answer] | None] = asyncio.Queue()
    unanswered: set[asyncio.Future[Answer]] = set()

    async def begin() -> None:
        try:
            async for item in items:
                await places.acquire()
                begun = asyncio.ensure_future(answer(item))
                unanswered.add(begun)
                begun.add_done_callback(unanswered.discard)
                under_way.put_nowait(begun)
        finally:
            under_way.put_nowait(None)

    beginning = asyncio.ensure_future(begin())
    try:
        while (made := await under_way.get()) is not None:
            yield await made
            places.release()
        await beginning
    finally:
        left: list[asyncio.Future[Any]] = [beginning, *unanswered]
        for each in left:
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)
