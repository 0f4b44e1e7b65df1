-- Crawls.turn. ARGV[2]: the state wanted; ARGV[3...]: the states that lead there.
-- Returns the state that the crawl was in, or nil where there is no such crawl.
load({})
if not crawl then return end
local was = crawl.state
for i = 3, #ARGV do
  if ARGV[i] == was then
    crawl.state = ARGV[2]
    if ended() and was ~= crawl.state then crawl.ended_ms = NOW end
    store()
    break
  end
end
return was
