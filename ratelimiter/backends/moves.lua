-- Reads and moves of slots: each move all or nothing, in order, none depending on another.
--
-- KEYS: the keys of every move, one after the other.
-- ARGV: floor, ceiling, latest, expiry (ms); then for every move the number of its keys, and for each key what is
--       expected and what is wanted ("" and "" for a read). Times are microseconds of this server's clock.
-- Answer: this server's time; then for every move 1 (set) or 0, and for each key the time that was found.
--
-- A key that isn't there, or lies before the floor, counts as the floor. One behind the ceiling can't have been granted:
-- this server's clock went back since. It becomes the latest time that can have been.
local floor, ceiling = tonumber(ARGV[1]), tonumber(ARGV[2])
local latest, expiry = ARGV[3], ARGV[4]

local function find(key)
  local found = tonumber(redis.call('GET', key) or floor)
  if found > ceiling then
    redis.call('SET', key, latest, 'PX', expiry)
    return tonumber(latest)
  end
  return math.max(found, floor)
end

local time = redis.call('TIME')
local answer = {time[1] * 1000000 + time[2]}
local key, argument = 0, 5
while ARGV[argument] do
  local count = tonumber(ARGV[argument])
  local at = #answer + 1
  local set = ARGV[argument + 1] ~= '' and 1 or 0
  for n = 1, count do
    local found = find(KEYS[key + n])
    answer[at + n] = found
    if set == 1 and found ~= tonumber(ARGV[argument + 2 * n - 1]) then
      set = 0
    end
  end
  answer[at] = set
  if set == 1 then
    for n = 1, count do
      redis.call('SET', KEYS[key + n], ARGV[argument + 2 * n], 'PX', expiry)
    end
  end
  key, argument = key + count, argument + 1 + 2 * count
end
return answer
