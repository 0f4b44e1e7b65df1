"""Several limiters, each the owner of a share of the domains.

`membership` is the watched file that names the shards, `ring` gives each domain its owner, `lease` limits the grants of
a shard (pure), `shard_ownership` is a shard's hold on its share, `client` finds the right shard for a caller.
"""

from ratelimiter.pool.client import PooledRateLimiter
from ratelimiter.pool.membership import LimiterShard, Membership
from ratelimiter.pool.shard_ownership import ShardOwnership

__all__ = ["LimiterShard", "Membership", "PooledRateLimiter", "ShardOwnership"]
