"""The follower of an assembly, whose publish marks say which pages are published, and what else follows links."""

from __future__ import annotations

from crawler.frontier import Frontier
from crawler.job.follower import Follower
from crawler.job.job_queues import JobQueues
from crawler.worker.lost_follow_ups import LostFollowUps
from crawler.worker.reconciliation import Reconciliation
from recommender_hooks.events.publish_mark import PublishMarks
from thrift_idl.gen.urlstore.protocol import UrlStore


def follower_of(frontier: Frontier, jobs: JobQueues, store: UrlStore) -> Follower:
    """The follower over these stores."""
    return Follower(jobs, frontier, store, PublishMarks(store))


def reconciliation_of(frontier: Frontier, jobs: JobQueues, store: UrlStore, source: str) -> Reconciliation:
    """The reconciliation of these stores, on behalf of `source`."""
    follower = follower_of(frontier, jobs, store)
    lost_follow_ups = LostFollowUps(frontier, jobs, store, follower, PublishMarks(store))
    return Reconciliation(frontier, jobs, store, follower, lost_follow_ups, source)
