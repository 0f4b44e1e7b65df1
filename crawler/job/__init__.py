"""Crawl jobs: their body, the decision about the next try, and the jobs that follow from a visit."""
