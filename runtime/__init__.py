"""What every process needs, of no domain: clock, durations, single flight, batching, backoff, caches, children."""
