-- Frontier.claim. ARGV[2...]: offers. Returns verdict, depth of each.
local keys, owners, depths = offers(2)

-- A place in the page budget.
local function admit(key)
  local entry = entries[key]
  if not crawl.max_pages or entry.state == CLAIMED then return MINE end
  if spent() then
    close(key, SKIPPED, 'over_budget')
    finish_crawl()
    return OVER_BUDGET
  end
  if full() then return LATER end
  move(key, CLAIMED, entry.fetched, entry.depth, entry.owner)
  return MINE
end

local function verdict(key, owner, depth)
  if not crawl then return NOT_RUNNING end
  if crawl.state ~= 'running' then return crawl.state == 'paused' and LATER or NOT_RUNNING end
  enter(key, owner, depth) -- even if it is skipped: schedule may come after, and would wait for a job that is acked
  local entry = entries[key]
  if not is_open(entry) or entry.owner ~= owner then return REPEAT end
  if entry.fetched then return RELINK end
  return admit(key)
end

load(keys)
local claims = {}
for i, key in ipairs(keys) do
  claims[#claims + 1] = verdict(key, owners[i], depths[i])
  claims[#claims + 1] = entries[key] and entries[key].depth or depths[i]
end
if next(changed) then store() end
return claims
