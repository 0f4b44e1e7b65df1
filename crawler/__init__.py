"""CRAWL: takes jobs from a queue, visits each URL, follows its links, until the frontier has no open entry.

`frontier/`: the URLs that a crawl knows. `visit/`: one URL is looked up, fetched, extracted, stored. `job/`: the body
of a crawl job, the decision after its visit, the jobs that follow from it. `seeds/`: the first URLs of a crawl.
`worker/`: the loop that claims jobs.
"""
