"""What every process needs and no domain: clock, durations, single flight, batching, backoff, caches, children."""
