"""A client that the Thrift compiler made of Pinterest's part of the IDL, with nothing of ours, over a plain socket."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TFramedTransport

import thrift_idl
from pinlater import PinLaterService
from tests.support.pinlater_caller import QUEUE, START_MS
from thrift_idl.gen.pinlater.protocol import PinLater
from thrift_idl.rpc import RpcServer

PACKAGE = "pinterest_only"


def upstream_idl() -> str:
    """The IDL without fields from 100 on, without our structs and methods."""
    text = (Path(thrift_idl.__file__).parent / "pinlater.thrift").read_text()
    text = text.partition("  // Ours, beside the contract.")[0] + "}\n"
    text = re.sub(r"/\*\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"^  1\d\d: optional .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^struct PinLaterQueueStats\w* \{.*?^\}.*?\n", "", text, flags=re.MULTILINE | re.DOTALL)
    text = text.replace("thrift_idl.gen.pinlater", PACKAGE)
    return re.sub(r" \(python\.immutable = \"\w*\"\)", "", text)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    compiler = shutil.which("thrift")
    if compiler is None:
        pytest.skip("there is no thrift compiler here")
    folder = tmp_path_factory.mktemp("upstream")
    (folder / "pinlater.thrift").write_text(upstream_idl())
    subprocess.run([compiler, "--gen", "py", "-out", str(folder), "pinlater.thrift"], cwd=folder, check=True)
    sys.path.insert(0, str(folder))
    yield import_module(f"{PACKAGE}.PinLater"), import_module(f"{PACKAGE}.ttypes")
    sys.path.remove(str(folder))


@pytest.fixture
async def address(direct: PinLaterService) -> AsyncIterator[int]:
    server = RpcServer(PinLater, direct)
    yield await server.start("127.0.0.1", 0)
    await server.close(1_000)


async def over_a_socket(address: int, talk: Callable[[TBinaryProtocol], Any]) -> Any:
    """The result of `talk`, in a thread: the compiler's client blocks."""

    def run() -> Any:
        transport = TFramedTransport(TSocket("127.0.0.1", address))
        transport.open()
        try:
            return talk(TBinaryProtocol(transport))
        finally:
            transport.close()

    return await asyncio.to_thread(run)


def probe(protocol: TBinaryProtocol) -> TApplicationException:
    """The first call of a Finagle client: one with an empty struct of options."""
    protocol.writeMessageBegin("__can__finagle__trace__v3__", TMessageType.CALL, 7)
    protocol.writeStructBegin("ConnectionOptions")
    protocol.writeFieldStop()
    protocol.writeStructEnd()
    protocol.writeMessageEnd()
    protocol.trans.flush()
    name, kind, sequence = protocol.readMessageBegin()
    assert (name, kind, sequence) == ("__can__finagle__trace__v3__", TMessageType.EXCEPTION, 7)
    error = TApplicationException()
    error.read(protocol)
    protocol.readMessageEnd()
    return error


async def test_a_finagle_client_learns_that_tracing_is_unknown_and_goes_on_with_the_same_connection(
    address: int, generated: tuple[Any, Any]
) -> None:
    service, types = generated

    def talk(protocol: TBinaryProtocol) -> set[str]:
        assert probe(protocol).type == TApplicationException.UNKNOWN_METHOD == 1
        client = service.Client(protocol)
        client.createQueue(types.RequestContext("finagle"), QUEUE)
        return set(client.getQueueNames(types.RequestContext("finagle")))

    assert await over_a_socket(address, talk) == {QUEUE}


async def test_it_knows_nothing_of_ours(generated: tuple[Any, Any]) -> None:
    service, types = generated
    assert len([name for name in vars(service.Iface) if not name.startswith("_")]) == 12
    specs = [kind.thrift_spec for kind in vars(types).values() if getattr(kind, "thrift_spec", None)]
    assert max(field[0] for spec in specs for field in spec if field is not None) == 10


async def test_a_job_s_whole_life_by_that_client(address: int, generated: tuple[Any, Any]) -> None:
    service, types = generated
    context = types.RequestContext(source="upstream")

    def talk(protocol: TBinaryProtocol) -> None:
        client = service.Client(protocol)
        client.createQueue(context, QUEUE)
        job = types.PinLaterJob(body=b"\x00\xff work")
        (name,) = client.enqueueJobs(context, types.PinLaterEnqueueRequest(QUEUE, [job])).jobDescriptors
        taken = client.dequeueJobs(context, types.PinLaterDequeueRequest(QUEUE, 10))
        assert taken.jobs == {name: b"\x00\xff work"}
        assert (taken.jobMetadata[name].attemptsAllowed, taken.jobMetadata[name].attemptsRemaining) == (2, 2)
        change = types.PinLaterCheckpointJobRequest(name, newBody="next", prependCustomStatus="half")
        client.checkpointJobs(context, types.PinLaterCheckpointJobsRequest(QUEUE, [change]))
        failed = types.PinLaterJobAckRequest(QUEUE, jobsFailed=[types.PinLaterJobAckInfo(name)])
        again = client.dequeueJobs(context, types.PinLaterDequeueRequest(QUEUE, 10, failed))
        assert again.jobs == {name: b"next"}
        done = types.PinLaterJobAckRequest(QUEUE, jobsSucceeded=[types.PinLaterJobAckInfo(name, " done")])
        client.ackDequeuedJobs(context, done)
        info = client.lookupJobs(context, types.PinLaterLookupJobRequest([name], True))[name]
        assert (info.jobState, info.attemptsRemaining, info.customStatus) == (2, 1, "half done")
        assert (info.body, info.createdAtTimestampMillis) == (b"next", START_MS)
        assert client.getJobCount(context, types.PinLaterGetJobCountRequest(QUEUE, 2)) == 1
        scanned = client.scanJobs(context, types.PinLaterScanJobsRequest(QUEUE, 2))
        assert ([each.jobDescriptor for each in scanned.scannedJobs], scanned.continuation) == ([name], "-1")
        assert client.retryFailedJobs(context, types.PinLaterRetryFailedJobsRequest(QUEUE)) == 0
        assert client.deleteJobs(context, types.PinLaterDeleteJobsRequest(QUEUE, 2)) == 1

    await over_a_socket(address, talk)


async def test_its_errors_are_pinlater_s_exception(address: int, generated: tuple[Any, Any]) -> None:
    service, types = generated
    context = types.RequestContext(source="upstream")

    def talk(protocol: TBinaryProtocol) -> list[int]:
        client, codes = service.Client(protocol), []
        for ask in (
            lambda: client.createQueue(context, "a-b"),
            lambda: client.dequeueJobs(context, types.PinLaterDequeueRequest("nowhere", 1)),
            lambda: client.deleteQueue(context, QUEUE, "wrong"),
            lambda: client.dequeueJobs(context, types.PinLaterDequeueRequest("nowhere", 0)),
        ):
            with pytest.raises(types.PinLaterException) as refused:
                ask()
            assert refused.value.message
            codes.append(refused.value.errorCode)
        return codes

    assert await over_a_socket(address, talk) == [410, 413, 403, 500]
