"""Cassandra for asyncio: prepared statements, awaited without one thread each.

`cassandra://[user:password@]host:port[,host:port]/keyspace[?replication_factor=3&consistency=LOCAL_QUORUM]`. The
keyspace is made where it is missing, with `replication_factor` (default 1) copies.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from cassandra import ConsistencyLevel, DriverException, OperationTimedOut
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import ConstantReconnectionPolicy, RoundRobinPolicy, TokenAwarePolicy
from cassandra.query import BatchStatement, BatchType, BoundStatement, PreparedStatement, SimpleStatement, tuple_factory

from drivers.connection_url import parts_of
from runtime.host_port import join, split
from thrift_idl.errors import BackendDown, BadConfiguration

Row = tuple[Any, ...]

_PROTOCOL = 5  # Cassandra 4.0 and later: checksummed frames
_RECONNECT_S = 1.0  # a node that came back is used again after at most this time
_HEARTBEAT_S = 10  # a connection whose other end became silent is given up after twice this time
_IN_FLIGHT = 1_024  # requests at once; far below the 32,768 streams of one connection, where the driver would block
_CONSISTENCIES = ("ONE", "LOCAL_ONE", "TWO", "QUORUM", "LOCAL_QUORUM", "ALL")


@dataclass(frozen=True, slots=True)
class CassandraAddress:
    """The parts of a `cassandra://` URL."""

    contact_points: tuple[tuple[str, int], ...]
    keyspace: str
    user: str = ""
    password: str = field(default="", repr=False)
    replication_factor: int = 1
    consistency: str = "LOCAL_QUORUM"

    def __str__(self) -> str:
        hosts = ",".join(join(host, port) for host, port in self.contact_points)
        return f"cassandra://{hosts}/{self.keyspace}"


def parse_address(url: str) -> CassandraAddress:
    """The parts of the URL. Raises `BadConfiguration`, without the password in its message."""
    parts = parts_of(url, "Cassandra")
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    address = CassandraAddress(
        contact_points=tuple(_contact_point(host) for host in hosts.split(",")),
        keyspace=parts.path.removeprefix("/"),
        user=unquote(user),
        password=unquote(password),
        replication_factor=_positive(options.pop("replication_factor", "1")),
        consistency=options.pop("consistency", "LOCAL_QUORUM"),
    )
    if parts.scheme != "cassandra" or not re.fullmatch(r"[a-z][a-z0-9_]{0,47}", address.keyspace):
        raise _bad("write cassandra://host:port/keyspace, the keyspace of a-z, 0-9 and _")
    if options or address.consistency not in _CONSISTENCIES:
        raise _bad(f"options are replication_factor and consistency ({', '.join(_CONSISTENCIES)})")
    return address


def _contact_point(text: str) -> tuple[str, int]:
    found = split(text)
    if found is None:
        raise _bad("every host needs its port: host:9042")
    return found


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 16:
        raise _bad("replication_factor is a number from 1 to 16")
    return int(text)


def _bad(what: str) -> BadConfiguration:
    return BadConfiguration(f"no Cassandra URL: {what}")


class Client:
    """A session in one keyspace. Made by `open_client`; used from one event loop.

    Statements write `{keyspace}.table`: prepared ones that rely on a session's keyspace are ambiguous to Cassandra.
    Every method raises `BackendDown` if Cassandra doesn't answer in time, and works again once it does.
    """

    def __init__(self, address: CassandraAddress, cluster: Cluster, session: Session) -> None:
        self.address = address
        self._cluster = cluster
        self._session = session
        self._prepared: dict[str, PreparedStatement] = {}
        self._slots = asyncio.Semaphore(_IN_FLIGHT)

    async def run(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Row]:
        """Run a statement, prepared on its first use; `?` stands for a parameter.

        An `UNSET_VALUE` (cassandra.query) leaves a column as it is.
        """
        async with self._slots:
            return await self._await(await self._bound(statement, parameters))

    async def run_batch(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Run statements with their parameters as one unlogged batch: one mutation if all are of one partition."""
        async with self._slots:
            batch = BatchStatement(BatchType.UNLOGGED)
            for statement, parameters in statements:
                batch.add(await self._bound(statement, parameters))
            await self._await(batch)

    async def run_once(self, statement: str, parameters: Sequence[Any] = (), *, serial: bool = False) -> Sequence[Row]:
        """Run a statement that isn't worth preparing (schema, migrations); `%s` stands for a parameter."""
        level = ConsistencyLevel.SERIAL if serial else None
        return await self._await(SimpleStatement(self._named(statement), consistency_level=level), parameters or None)

    async def agree(self) -> None:
        """Wait until all nodes see the same schema."""
        with _translated(self.address):
            await asyncio.to_thread(self._cluster.control_connection.wait_for_schema_agreement)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.to_thread(self._cluster.shutdown)

    def _named(self, statement: str) -> str:
        return statement.replace("{keyspace}", self.address.keyspace)

    async def _bound(self, statement: str, parameters: Sequence[Any]) -> BoundStatement:
        prepared = self._prepared.get(statement) or await self._prepare(statement)
        return prepared.bind(parameters)

    async def _prepare(self, statement: str) -> PreparedStatement:
        with _translated(self.address):
            prepared = await asyncio.to_thread(self._session.prepare, self._named(statement))
        self._prepared[statement] = prepared
        return prepared

    async def _await(self, statement: Any, parameters: Sequence[Any] | None = None) -> Sequence[Row]:
        """The rows of the answer's first page: statements bound their own number of rows."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Sequence[Row] | None] = loop.create_future()
        with _translated(self.address):
            sent = self._session.execute_async(statement, parameters)
            sent.add_callbacks(_from_thread(loop, _succeed, done), _from_thread(loop, _fail, done))
            return await done or ()


async def open_client(url: str, *, request_timeout_ms: int = 5_000) -> Client:
    """Connect to the cluster and keyspace that `url` names.

    Raises `BadConfiguration`, `BackendDown`.
    """
    address = parse_address(url)
    with _translated(address):
        cluster, session = await asyncio.to_thread(_connect, address, request_timeout_ms)
    return Client(address, cluster, session)


def _connect(address: CassandraAddress, request_timeout_ms: int) -> tuple[Cluster, Session]:
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(RoundRobinPolicy()),
        consistency_level=ConsistencyLevel.name_to_value[address.consistency],
        serial_consistency_level=ConsistencyLevel.SERIAL,
        request_timeout=request_timeout_ms / 1000,
        row_factory=tuple_factory,
    )
    cluster = Cluster(
        list(address.contact_points),
        protocol_version=_PROTOCOL,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        reconnection_policy=ConstantReconnectionPolicy(_RECONNECT_S, max_attempts=None),
        auth_provider=PlainTextAuthProvider(address.user, address.password) if address.user else None,
        connect_timeout=request_timeout_ms / 1000,
        control_connection_timeout=request_timeout_ms / 1000,
        idle_heartbeat_interval=_HEARTBEAT_S,
        idle_heartbeat_timeout=_HEARTBEAT_S,
    )
    try:
        session = cluster.connect()
        if address.keyspace not in cluster.metadata.keyspaces:
            session.execute(
                f"CREATE KEYSPACE IF NOT EXISTS {address.keyspace} WITH replication = {{'class': 'SimpleStrategy',"
                f" 'replication_factor': {address.replication_factor}}}"
            )
    except BaseException:
        cluster.shutdown()
        raise
    return cluster, session


@contextmanager
def _translated(address: CassandraAddress) -> Iterator[None]:
    try:
        yield
    except OperationTimedOut as error:
        raise BackendDown(f"Cassandra at {address} didn't answer in time: is it overloaded?") from error
    except NoHostAvailable as error:
        reasons = "; ".join(f"{host}: {reason}" for host, reason in error.errors.items())
        raise BackendDown(f"Cassandra at {address} can't be reached ({_short(reasons)}): start it") from error
    except DriverException as error:
        raise BackendDown(f"Cassandra at {address} refused: {_short(error)}") from error


def _short(reason: object) -> str:
    """A bounded part of an error's text for a message."""
    return str(reason)[:300]


def _from_thread(
    loop: asyncio.AbstractEventLoop, settle: Callable[[asyncio.Future[Any], Any], None], done: asyncio.Future[Any]
) -> Callable[[Any], None]:
    """A callback for the driver's own thread that settles `done` in its loop."""

    def call(result: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: no caller waits any more
            loop.call_soon_threadsafe(settle, done, result)

    return call


def _succeed(done: asyncio.Future[Any], rows: Any) -> None:
    if not done.done():
        done.set_result(rows)


def _fail(done: asyncio.Future[Any], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
