"""The base of every process, of no domain: clock, durations, single flight, batching, backoff, caches, children."""
