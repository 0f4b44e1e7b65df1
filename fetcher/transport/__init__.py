"""HTTP/1.1 over our own connections: reading (pure), connections, pool, and the httpx transport on top."""

from fetcher.transport.transport import BodyStream, Exchange, GuardedTransport

__all__ = ["BodyStream", "Exchange", "GuardedTransport"]
