"""The owner of a job, where owners have shares: the registrable domain that its request goes to."""

from __future__ import annotations

from crawler.job.body import BadJob, CrawlJob, JobTooNew
from crawler.job.follow_up_jobs import FollowUp
from pinlater.worker import ClaimedJob
from thrift_idl.errors import InvalidRequest
from weburl import domain_of


def domain_of_visit(held: ClaimedJob) -> str:
    """The domain that a crawl job visits next; "" for an unreadable one: its worker reports it."""
    try:
        job = CrawlJob.decode(held.body)
    except (BadJob, JobTooNew):
        return ""
    return domain_of(job.resume[-1].target if job.resume else job.url)


def domain_of_page(held: ClaimedJob) -> str:
    """The domain of a follow-up job's page: the cost of its images counts for it, on any host."""
    try:
        return domain_of(FollowUp.decode(held.body).url)
    except InvalidRequest:
        return ""
