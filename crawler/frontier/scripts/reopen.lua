-- Crawls.reopen. ARGV[2...]: keys. Returns index (from 1), depth of each that wants a job; the state where the crawl is
-- cancelled; nil where there is no such crawl.
local keys, wanted = {}, {}
for i = 2, #ARGV do keys[#keys + 1] = ARGV[i] end
load(keys)
if not crawl then return end
if crawl.state == 'cancelled' then return crawl.state end
for i, key in ipairs(keys) do
  local entry = entries[key]
  if entry and entry.state == FAILED then
    run_again()
    move(key, WAITING, entry.fetched, entry.depth, UNOWNED)
    entry = entries[key]
  end
  if entry and is_open(entry) and entry.owner == UNOWNED then
    wanted[#wanted + 1] = i
    wanted[#wanted + 1] = entry.depth
  end
end
if next(changed) then store() end
return wanted
