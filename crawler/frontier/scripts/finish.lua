-- Frontier.finish. ARGV[2...]: key, owner, depth, state, code, failure (JSON), key of the page.
-- Returns finished, depth, open, pages, ended.
local key, owner, depth = ARGV[2], ARGV[3], tonumber(ARGV[4])
local state, code, failure, final = tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]

local function answer(finished, told)
  return {finished, told, open_entries(), crawl.pages, ended() and 1 or 0}
end

-- The page at `final`, served by a redirect: done, and this job's unless it was before.
local function mark_page(entry)
  local least = math.min(depth, entry and entry.depth or MAX_DEPTH)
  if entry and entry.fetched and not is_open(entry) then
    move(final, entry.state, true, least, entry.owner)
  else
    redis.call('HDEL', FAILURES, final)
    move(final, PAGE, true, least, owner)
  end
end

local function close_page(page)
  if not page or not page.fetched then crawl.pages = crawl.pages + 1 end
  close(key, final == key and PAGE or ALIAS, code)
  if final ~= key then mark_page(page) end
end

-- The depth that counts for the links of a page: of those who found it and haven't scheduled its links.
local function least_depth(entry, page)
  if page and (is_open(page) or not page.fetched) then return math.min(entry.depth, page.depth) end
  return entry.depth
end

load(final == key and {key} or {key, final})
if not crawl then return {STALE, depth, 0, 0, 1} end
local entry, page = entries[key], entries[final]
if not entry or not is_open(entry) or entry.owner ~= owner then return answer(STALE, depth) end
local least = least_depth(entry, page)
local leads_on = state == PAGE or state == ALIAS
if crawl.limited and leads_on and least < depth then return answer(AGAIN, least) end
if state == PAGE then
  close_page(page)
else
  close(key, state, code, failure)
end
finish_crawl()
store()
return answer(DONE, depth)
