-- Frontier.rekey. ARGV[2...]: old key, new key, owner ('' = of an entry that is done, or that no job owns) of each.
-- Returns how many entries were moved.
local keys, moved = {}, 0
for i = 2, #ARGV, 3 do
  keys[#keys + 1], keys[#keys + 2] = ARGV[i], ARGV[i + 1]
end
load(keys)
if not crawl then return 0 end

local function is_meant(entry, owner)
  if owner == '' then return not is_open(entry) or entry.owner == UNOWNED end
  return is_open(entry) and entry.owner == owner
end

-- Where the new key has an entry already, that stays.
local function rename(old, new)
  local entry, failure = entries[old], redis.call('HGET', FAILURES, old)
  redis.call('HDEL', ENTRIES, old)
  redis.call('HDEL', FAILURES, old)
  crawl.counts[entry.state] = crawl.counts[entry.state] - 1
  entries[old], changed[old] = nil, nil
  if not entries[new] then
    move(new, entry.state, entry.fetched, entry.depth, entry.owner)
    if failure then redis.call('HSET', FAILURES, new, failure) end
  end
end

for i = 2, #ARGV, 3 do
  local old, new = ARGV[i], ARGV[i + 1]
  if old ~= new and entries[old] and is_meant(entries[old], ARGV[i + 2]) then
    rename(old, new)
    moved = moved + 1
  end
end
if moved > 0 then
  finish_crawl()
  store()
end
return moved
