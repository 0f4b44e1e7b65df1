-- Frontier.release. ARGV[2...]: offers.
local keys, owners = offers(2)
load(keys)
if not crawl then return end
for i, key in ipairs(keys) do
  local entry = entries[key]
  if entry and entry.state == CLAIMED and entry.owner == owners[i] then
    move(key, WAITING, entry.fetched, entry.depth, entry.owner)
  end
end
if next(changed) then store() end
