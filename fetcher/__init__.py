"""FETCH: one URL from the web, politely: robots.txt, redirects, address guard, HTTP transport.

`service.FetcherService` is the service; `settings` what an operator decides; `transport.GuardedTransport` the HTTP
below it. What decides is pure: addresses, robots.reading, robots.rules, redirects, outcome, mediatype, slots.is_void.
"""
