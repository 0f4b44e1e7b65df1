-- Crawls.seeded. Returns the state, or nil where there is no such crawl.
load({})
if not crawl then return end
crawl.seeded = true
finish_crawl()
store()
return crawl.state
