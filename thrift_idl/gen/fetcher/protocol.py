"""Generated from fetcher.thrift by `make idl`: do not edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set as AbstractSet
from typing import Protocol

import thrift_idl.gen.fetcher.ttypes as ttypes
import thrift_idl.gen.context.ttypes as context_ttypes
import thrift_idl.gen.ratelimiter.ttypes as ratelimiter_ttypes


class Fetcher(Protocol):
    """FETCH: one URL from the web, politely: robots.txt, redirects, address guard, reservation before every request."""

    async def fetch(self, request: ttypes.FetchRequest) -> ttypes.FetchResult:
        """Fetch one URL. Raises Refused, Deferred or Unavailable as the URL's outcome; details "url" names the URL that it
        befell, "status" the HTTP status where one came, "chain" the hops so far, JSON (in Python the error's `chain`)."""
        ...

    async def explain(self, request: ttypes.ExplainRequest) -> ttypes.Explanation:
        """Everything that decides what a fetch of one URL would end in; only robots.txt is requested, if it isn't cached.
        Raises only what is no URL's outcome."""
        ...
