-- The rules of the frontier, as in book.py: one crawl's numbers, the entries that one call touches.
-- KEYS: the crawl (hash), its entries (hash: URL key -> 11 bytes), its failures (hash: URL key -> JSON).
-- ARGV[1]: now, ms. What follows it is told by each script.

local CRAWL, ENTRIES, FAILURES = KEYS[1], KEYS[2], KEYS[3]
local NOW = ARGV[1]

local WAITING, CLAIMED, PAGE, ALIAS, REFUSED, FAILED, SKIPPED = 0, 1, 2, 3, 4, 5, 6
local MINE, RELINK, REPEAT, OVER_BUDGET, LATER, NOT_RUNNING = 0, 1, 2, 3, 4, 5
local DONE, AGAIN, STALE = 0, 1, 2
local STATES = {[0] = 'waiting', 'claimed', 'page', 'alias', 'refused', 'failed', 'skipped'}
local UNOWNED = string.rep('\0', 8)
local FETCHED = 16
local MAX_DEPTH = 65535

local crawl      -- the crawl's numbers; nil = unknown
local entries    -- key -> entry, or false where there is none
local changed    -- key -> true

local function load_crawl()
  local found = redis.call('HMGET', CRAWL, 'state', 'seeded', 'limited', 'max_pages', 'pages', 'ended_ms',
    'waiting', 'claimed', 'page', 'alias', 'refused', 'failed', 'skipped')
  if not found[1] then return end
  crawl = {state = found[1], seeded = found[2] == '1', limited = found[3] == '1', max_pages = tonumber(found[4]),
    pages = tonumber(found[5]), ended_ms = found[6], counts = {}}
  for state = 0, 6 do crawl.counts[state] = tonumber(found[7 + state]) end
end

local function load(keys)
  load_crawl()
  entries, changed = {}, {}
  if not crawl or #keys == 0 then return end
  local found = redis.call('HMGET', ENTRIES, unpack(keys))
  for i, key in ipairs(keys) do
    local packed = found[i]
    if packed then
      local flags, high, low = string.byte(packed, 1, 3)
      entries[key] = {state = flags % FETCHED, fetched = flags >= FETCHED, depth = high * 256 + low,
        owner = string.sub(packed, 4)}
    end
  end
end

local function packed(entry)
  return string.char(entry.state + (entry.fetched and FETCHED or 0), math.floor(entry.depth / 256), entry.depth % 256)
    .. entry.owner
end

local function store()
  local put = {}
  for key in pairs(changed) do
    put[#put + 1] = key
    put[#put + 1] = packed(entries[key])
  end
  if #put > 0 then redis.call('HSET', ENTRIES, unpack(put)) end
  local counts = crawl.counts
  redis.call('HSET', CRAWL, 'state', crawl.state, 'seeded', crawl.seeded and '1' or '0', 'pages', crawl.pages,
    'ended_ms', crawl.ended_ms, 'waiting', counts[0], 'claimed', counts[1], 'page', counts[2], 'alias', counts[3],
    'refused', counts[4], 'failed', counts[5], 'skipped', counts[6])
end

-- the crawl

local function ended() return crawl.state == 'done' or crawl.state == 'cancelled' end
local function spent() return crawl.max_pages and crawl.pages >= crawl.max_pages end
local function full() return crawl.max_pages and crawl.pages + crawl.counts[CLAIMED] >= crawl.max_pages end
local function open_entries() return crawl.counts[WAITING] + crawl.counts[CLAIMED] end

local function run_again()
  if crawl.state == 'done' then crawl.state, crawl.ended_ms = 'running', '0' end
end

local function finish_crawl()
  if crawl.seeded and open_entries() == 0 and not ended() then
    crawl.state, crawl.ended_ms = 'done', NOW
  end
end

-- one entry

local function is_open(entry) return entry.state <= CLAIMED end

-- Every change of an entry, and of the counters with it.
local function move(key, state, fetched, depth, owner)
  local old = entries[key]
  if old then crawl.counts[old.state] = crawl.counts[old.state] - 1 end
  crawl.counts[state] = crawl.counts[state] + 1
  entries[key] = {state = state, fetched = fetched, depth = math.min(depth, MAX_DEPTH), owner = owner}
  changed[key] = true
end

local function found_nearer(entry, depth)
  return crawl.limited and not is_open(entry) and entry.fetched and depth < entry.depth
end

local function lower(key, depth)
  local entry = entries[key]
  if crawl.limited and is_open(entry) and depth < entry.depth then
    move(key, entry.state, entry.fetched, depth, entry.owner)
  end
end

local function enter(key, owner, depth)
  local entry = entries[key]
  if not entry or found_nearer(entry, depth) then
    move(key, WAITING, entry ~= nil, depth, owner)
  elseif is_open(entry) then
    if entry.owner == UNOWNED then move(key, entry.state, entry.fetched, entry.depth, owner) end
    lower(key, depth)
  end
end

local function count_outcome(code) redis.call('HINCRBY', CRAWL, 'outcome:' .. code, 1) end

-- failure: JSON where the URL failed.
local function close(key, state, code, failure)
  local entry = entries[key]
  if not entry.fetched then count_outcome(code) end
  if state == FAILED then redis.call('HSET', FAILURES, key, failure) else redis.call('HDEL', FAILURES, key) end
  move(key, state, entry.fetched or state == PAGE or state == ALIAS, entry.depth, entry.owner)
end

-- ARGV[from], ARGV[from + 1] ...: key, owner, depth of each offer.
local function offers(from)
  local keys, owners, depths = {}, {}, {}
  for i = from, #ARGV, 3 do
    keys[#keys + 1], owners[#owners + 1], depths[#depths + 1] = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  end
  return keys, owners, depths
end
