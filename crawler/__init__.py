"""CRAWL: jobs out of a queue, each URL visited, its links followed, until a frontier has no open entry.

`frontier/`: which URLs a crawl knows. `visit/`: one URL is looked up, fetched, extracted, stored. `job/`: the body of a
crawl job, the decision after its visit, the jobs that follow from it. `seeds/`: where a crawl starts. `worker/`: the
loop that claims jobs.
"""
