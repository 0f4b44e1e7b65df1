"""The error tree on the wire, both ways.

A method that declares `Failure` answers with it in its exception slot. Where it can't (PinLater's methods declare
their own exception; a call was refused before its method was found), the answer is a TApplicationException with the
same `Failure` in field 100: foreign clients skip it, ours raises the same error from it.
"""

from __future__ import annotations

from typing import Any, Final

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.Thrift import TApplicationException, TType
from thrift.transport.TTransport import TMemoryBuffer

from thrift_idl.errors import AragogError, InternalError, InvalidRequest, restore
from thrift_idl.gen.context.ttypes import Failure
from thrift_idl.redirect_chain import chain_from_json, chain_to_json
from thrift_idl.rpc.message import Undecodable, encode

FAILURE_FIELD: Final = 100
TEXT_CHARACTERS: Final = 4_096
_CHAIN: Final = "chain"  # its key among the details

_CALLERS_FAULTS = {
    TApplicationException.UNKNOWN_METHOD,
    TApplicationException.PROTOCOL_ERROR,
    TApplicationException.WRONG_METHOD_NAME,
    TApplicationException.INVALID_MESSAGE_TYPE,
}


def to_failure(error: AragogError) -> Failure:
    """The wire form of an error of the tree; a text beyond the bound is cut (details are kept: they are data).

    The chain travels as JSON among the details: so did it before it was a field of the error, and a caller of that
    time reads it.
    """
    details = dict(error.details)
    if error.chain is not None:
        details[_CHAIN] = chain_to_json(error.chain)
    return Failure(
        family=error.family,
        code=error.code,
        message=error.message[:TEXT_CHARACTERS],
        delay_ms=error.delay_ms,
        details=details,
    )


def from_failure(failure: Failure) -> AragogError:
    """The error that was raised on the other side; an unknown code becomes its family.

    Raises `InvalidRequest` where the details "chain" are no chain.
    """
    details = dict(failure.details or {})
    text = details.pop(_CHAIN, None)
    chain = None if text is None else chain_from_json(text)
    return restore(failure.family, failure.code, failure.message, failure.delay_ms, details, chain)


def fault(request_id: str) -> InternalError:
    """The caller's view of an unforeseen exception: only the place of its log line."""
    return InternalError("internal error: the service's log has it under the request id", request_id=request_id)


def encode_application_error(kind: int, error: AragogError) -> bytes:
    """The body of a TApplicationException that carries `error` in field 100."""
    plain = encode(TApplicationException(kind, str(error)[:TEXT_CHARACTERS]))
    field = bytes((TType.STRUCT,)) + FAILURE_FIELD.to_bytes(2, "big")
    return plain[:-1] + field + encode(to_failure(error)) + bytes((TType.STOP,))


def decode_application_error(frame: bytes, start: int) -> AragogError:
    """The error in the body of a TApplicationException, ours or a foreign server's. Raises Undecodable."""
    reader = TBinaryProtocolAccelerated(TMemoryBuffer(frame[start:]), string_length_limit=len(frame))
    try:
        message, kind, failure = _read_application_error(reader)
    except Exception as error:  # the C codec raises half a dozen built-in types
        raise Undecodable(f"{type(error).__name__}: {error}"[:200]) from error
    if failure is not None:
        return from_failure(failure)
    if kind in _CALLERS_FAULTS:
        return InvalidRequest(message, application_error=str(kind))
    return InternalError(message, application_error=str(kind))


def _read_application_error(reader: Any) -> tuple[str, int, Failure | None]:
    message, kind, failure = "", TApplicationException.UNKNOWN, None
    while True:
        _, ttype, number = reader.readFieldBegin()
        if ttype == TType.STOP:
            return message, kind, failure
        if (number, ttype) == (1, TType.STRING):
            message = reader.readString()
        elif (number, ttype) == (2, TType.I32):
            kind = reader.readI32()
        elif (number, ttype) == (FAILURE_FIELD, TType.STRUCT):
            failure = _read_failure(reader)
        else:
            reader.skip(ttype)


def _read_failure(reader: Any) -> Failure:
    failure = Failure("", "", "")
    failure.read(reader)
    failure.validate()
    return failure
