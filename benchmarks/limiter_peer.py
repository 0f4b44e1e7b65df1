"""One decision a key with a limiter of others, in its own environment: `python limiter_peer.py KEYS`; no code of ours.

Each by the algorithm that comes closest to ours, one request every 100 ms without a burst: GCRA where there is one,
else ten a second by what the library recommends.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def throttled_gcra(_: int) -> Callable[[str], object]:
    from throttled import RateLimiterType, Throttled, per_sec, store

    limiter = Throttled(
        using=RateLimiterType.GCRA.value, quota=per_sec(10, burst=1), store=store.MemoryStore({"MAX_SIZE": 1_000_000})
    )
    return limiter.limit


def limits_sliding_window(_: int) -> Callable[[str], object]:
    from limits import RateLimitItemPerSecond, storage, strategies

    limiter, item = strategies.SlidingWindowCounterRateLimiter(storage.MemoryStorage()), RateLimitItemPerSecond(10)
    return lambda key: limiter.hit(item, key)


def limits_fixed_window(_: int) -> Callable[[str], object]:
    from limits import RateLimitItemPerSecond, storage, strategies

    limiter, item = strategies.FixedWindowRateLimiter(storage.MemoryStorage()), RateLimitItemPerSecond(10)
    return lambda key: limiter.hit(item, key)


def pyrate_leaky_bucket(_: int) -> Callable[[str], object]:
    from pyrate_limiter import BucketFactory, Duration, InMemoryBucket, Limiter, Rate, RateItem

    class OneEach(BucketFactory):
        """A bucket for each key, as the library's documentation has it."""

        def __init__(self) -> None:
            self.buckets: dict[str, InMemoryBucket] = {}

        def wrap_item(self, name: str, weight: int = 1) -> RateItem:
            return RateItem(name, time.monotonic_ns() // 1_000_000, weight=weight)

        def get(self, item: RateItem) -> InMemoryBucket:
            bucket = self.buckets.get(item.name)
            if bucket is None:
                bucket = self.buckets[item.name] = InMemoryBucket([Rate(10, Duration.SECOND)])
            return bucket

    limiter = Limiter(OneEach())
    return lambda key: limiter.try_acquire(key, blocking=False)


def main() -> None:
    keys = [f"d{number}.com" for number in range(int(sys.argv[1]))]
    for make in (throttled_gcra, limits_fixed_window, limits_sliding_window, pyrate_leaky_bucket):
        decide = make(len(keys))
        for key in keys:
            decide(key)
        time.sleep(0.2)
        began = time.process_time()
        for key in keys:
            decide(key)
        seconds = time.process_time() - began
        name = make.__name__.replace("_", " ")
        print(f"{'peer: ' + name:<44} {len(keys) / seconds:>12,.0f} /s {seconds / len(keys) * 1e6:>9.2f} us")


if __name__ == "__main__":
    main()
