"""`python -m tests.faults.rpc.limiter_process PORT`: the tests' limiter as a process of its own, for kill -9."""

import asyncio
import sys

from tests.support.rpc_endpoints import Limiter
from thrift_idl.gen.ratelimiter.protocol import RateLimiter
from thrift_idl.rpc import RpcServer, run


async def serve(port: int) -> None:
    server = RpcServer(RateLimiter, Limiter())
    print(await server.start("127.0.0.1", port), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(serve(int(sys.argv[1])))
