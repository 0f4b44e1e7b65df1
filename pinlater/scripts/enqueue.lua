-- ARGV: (priority, run_after, packed job, body) of each. Returns the last local id; the others come right before it.
-- Local ids have twelve digits, so that jobs due at the same time come in the order of their numbers.
local count = (#ARGV - 2) / 4
local last = redis.call('INCRBY', LAST_ID, count)
for place = 1, count do
  local at = 4 * place - 1
  local id = string.format('%012.0f', last - count + place)
  redis.call('HSET', JOBS, id, ARGV[at + 2])
  redis.call('HSET', BODIES, id, ARGV[at + 3])
  redis.call('ZADD', due_set(PENDING, tonumber(ARGV[at])), ARGV[at + 1], id)
end
if count > 0 then tell() end
return last
