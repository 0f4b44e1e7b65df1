"""Framed binary Thrift over asyncio: a server and a client that fill the same Protocols as the services."""
