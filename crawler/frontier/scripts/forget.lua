-- Crawls.forget. Returns nil, or the state of a crawl that hasn't ended.
load({})
if crawl and not ended() then return crawl.state end
redis.call('UNLINK', CRAWL, ENTRIES, FAILURES)
