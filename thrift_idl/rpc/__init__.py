"""Framed binary Thrift over asyncio: a server and a client that fill the same Protocols as the services."""

from thrift_idl.rpc.client import Channel
from thrift_idl.rpc.event_loop import run
from thrift_idl.rpc.limits import ClientLimits, ServerLimits
from thrift_idl.rpc.server import RpcServer

__all__ = ["Channel", "ClientLimits", "RpcServer", "ServerLimits", "run"]
