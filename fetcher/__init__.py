"""FETCH: one URL from the web, politely: robots.txt, redirects, address guard, HTTP transport.

`service.FetcherService` is the service; `settings` the operator's choices; `transport.GuardedTransport` the HTTP
below it. Decisions are pure: addresses, answer_rules, mediatype, robots.reading, robots.rules.
"""

import sys

# httpx's command line, unused here, imports rich, pygments and click: 0.1 s of every start. None = not installed.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None is documented: the import raises
