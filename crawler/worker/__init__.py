"""The worker of a crawl: it claims jobs, keeps the limits, reports its progress."""
