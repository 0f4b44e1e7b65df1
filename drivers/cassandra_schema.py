"""Migrations on Cassandra: one process at a time, on whichever node.

Cassandra lets two nodes create one table at once under two ids, and then the nodes disagree. So the table of versions
has an id that follows from its name, and the process that holds its row creates everything else: it takes the row by a
light-weight transaction, which expires if its holder dies.
"""

from __future__ import annotations

import asyncio
import uuid

from drivers.cassandra import Client
from drivers.migrations import Migrations, statements
from runtime.clock import monotonic_ms
from thrift_idl.errors import BackendDown

_HOLD_S = 60
_POLL_S = 0.2
_NAMESPACE = uuid.UUID("5d1cf43c-8a0b-4d2e-9f63-2b7f6c1a9e10")


async def migrate(client: Client, migrations: Migrations, *, wait_ms: int = 90_000) -> None:
    """Bring one component's tables to the version of this code. Safe in many processes at once, and repeatable.

    Raises `StoreTooNew`; `BackendDown`, also if another process holds the schema for longer than `wait_ms`.
    """
    await _make_table_of_versions(client)
    owner = uuid.uuid4().hex
    deadline_ms = monotonic_ms() + wait_ms
    while migrations.missing(await _version(client, migrations.component), str(client.address)):
        if await _hold(client, migrations.component, owner):
            await _run(client, migrations, owner)
        elif monotonic_ms() > deadline_ms:
            raise BackendDown(f"another process is changing the schema of {client.address}: try again when it is done")
        else:
            await asyncio.sleep(_POLL_S)


async def _make_table_of_versions(client: Client) -> None:
    table_id = uuid.uuid5(_NAMESPACE, client.address.keyspace)
    await client.run_once(
        "CREATE TABLE IF NOT EXISTS {keyspace}.schema_version (component text PRIMARY KEY, version int, held_by text)"
        f" WITH id = {table_id}"
    )
    await client.agree()


async def _version(client: Client, component: str) -> int:
    query = "SELECT version FROM {keyspace}.schema_version WHERE component = %s"
    rows = await client.run_once(query, (component,), serial=True)
    return rows[0][0] or 0 if rows else 0


async def _hold(client: Client, component: str, owner: str) -> bool:
    hold = "UPDATE {keyspace}.schema_version USING TTL %s SET held_by = %s WHERE component = %s IF held_by = null"
    return bool((await client.run_once(hold, (_HOLD_S, owner, component)))[0][0])


async def _run(client: Client, migrations: Migrations, owner: str) -> None:
    """Run the missing scripts, and write each one's number after it: a repeated script changes nothing."""
    component = migrations.component
    for version, script in migrations.missing(await _version(client, component), str(client.address)):
        for statement in statements(script):
            await client.run_once(statement)
            await client.agree()
        done = "UPDATE {keyspace}.schema_version SET version = %s WHERE component = %s IF held_by = %s"
        await client.run_once(done, (version, component, owner))
    await client.run_once(
        "UPDATE {keyspace}.schema_version SET held_by = null WHERE component = %s IF held_by = %s", (component, owner)
    )
