"""The framed message for the end of a call. Nothing of an unforeseen exception crosses the wire."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from thrift.Thrift import TApplicationException

from thrift_idl.errors import AragogError, InternalError
from thrift_idl.rpc.failures import encode_application_error, fault, to_failure
from thrift_idl.rpc.message import EXCEPTION, REPLY, encode, framed, write_header
from thrift_idl.rpc.methods import Method

log = logging.getLogger("thrift_idl.rpc")


def answer(method: Method, sequence: int, value: Any, most: int) -> bytes:
    """The reply with a handler's value. One that can't be encoded or exceeds `most` bytes is a fault of ours."""
    if value is None and method.returns:
        return answer_error(method, sequence, TypeError(f"{method.name} returned None"), "", most)
    try:
        body = encode(method.result(success=value) if method.returns else method.result())
    except Exception as error:  # the codec raises half a dozen built-in types
        return answer_error(method, sequence, error, "", most)
    reply = write_header(REPLY, method.wire_name, sequence) + body
    if len(reply) > most:
        text = f"the answer of {method.name} takes {len(reply)} bytes; a frame holds {most}: ask for less"
        return answer_error(method, sequence, InternalError(text), "", most)
    return framed(reply)


def answer_error(method: Method, sequence: int, error: BaseException, request_id: str, most: int) -> bytes:
    """The reply with an error: as declared by the method, else of the tree, else logged and named by request id."""
    slot = next((slot for kind, slot in method.exceptions if isinstance(error, kind)), None)
    if slot is None and not isinstance(error, AragogError):
        error = _unforeseen(method, error, request_id)
    try:
        reply = _error_message(method, sequence, error, slot)
    except Exception as broken:  # an error with fields that don't fit their types
        reply = _error_message(method, sequence, _unforeseen(method, broken, request_id), None)
    if len(reply) > most:
        too_long = InternalError(f"an error of {len(reply)} bytes; a frame holds {most}", code=str(error)[:100])
        reply = _error_message(method, sequence, too_long, None)
    return framed(reply)


def _error_message(method: Method, sequence: int, error: BaseException, slot: str | None) -> bytes:
    sent: Any = error
    if isinstance(error, AragogError):
        slot = method.failure_slot()
        if slot is None:
            body = encode_application_error(TApplicationException.INTERNAL_ERROR, error)
            return write_header(EXCEPTION, method.wire_name, sequence) + body
        sent = to_failure(error)
    return write_header(REPLY, method.wire_name, sequence) + encode(method.result(**{str(slot): sent}))


def refuse(kind: int, name: bytes, sequence: int, error: AragogError) -> bytes:
    """The answer to a call without a handler: a TApplicationException of that kind."""
    return framed(write_header(EXCEPTION, name, sequence) + encode_application_error(kind, error))


def _unforeseen(method: Method, error: BaseException, request_id: str) -> InternalError:
    request_id = request_id[:64] or secrets.token_hex(8)
    log.error("%s failed, request id %r", method.name, request_id, exc_info=error)
    return fault(request_id)
