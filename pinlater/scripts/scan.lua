-- ARGV: limit, state, due later than, before this due time and this local id, then priorities.
-- Returns local id, due time, packed job and body of each, the latest due first.
local limit, state, after = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local before_due, before_id = ARGV[6], ARGV[7]

-- How many of the set stand at that position or behind it: many jobs may be due at the very same time.
local function behind(set)
  local low = redis.call('ZCOUNT', set, '(' .. before_due, '+inf')
  local high = low + redis.call('ZCOUNT', set, before_due, before_due)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if redis.call('ZREVRANGE', set, middle, middle)[1] >= before_id then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

local places = {}
for at = 8, #ARGV do
  local set = due_set(state, tonumber(ARGV[at]))
  local first = behind(set)
  local members = redis.call('ZREVRANGE', set, first, first + limit - 1, 'WITHSCORES')
  for member = 1, #members, 2 do
    local due = tonumber(members[member + 1])
    if due <= after then break end
    places[#places + 1] = { members[member], due }
  end
end
table.sort(places, function(one, other)
  if one[2] ~= other[2] then return one[2] > other[2] end
  return one[1] > other[1]
end)

local found, bytes = {}, 0
for place = 1, math.min(limit, #places) do
  local id, due = places[place][1], places[place][2]
  local packed, body = redis.call('HGET', JOBS, id), redis.call('HGET', BODIES, id)
  bytes = bytes + #body
  if bytes > PAGE_BYTES and bytes > #body then return found end
  local next = #found
  found[next + 1], found[next + 2], found[next + 3], found[next + 4] = id, due, packed, body
end
return found
