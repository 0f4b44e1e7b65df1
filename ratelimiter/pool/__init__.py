"""Several limiters, each the owner of a share of the domains.

`membership` is the watched file that says who they are, `ring` who owns what, `tenure` what a shard may grant by it
(pure), `ownership` the shard's hold on its share, `client` the caller's way to the right shard.
"""

from ratelimiter.pool.client import PooledRateLimiter
from ratelimiter.pool.membership import LimiterShard, Membership
from ratelimiter.pool.shard_ownership import ShardOwnership

__all__ = ["LimiterShard", "Membership", "PooledRateLimiter", "ShardOwnership"]
