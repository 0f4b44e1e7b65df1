"""Jobs: the body of a crawl job, the decision about its next try, and the jobs that follow from a visit."""
