"""The worker of a crawl: it claims jobs, holds to limits, tells its progress."""
