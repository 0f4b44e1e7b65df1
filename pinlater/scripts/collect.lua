-- ARGV: state, in it since before, limit. Returns how many jobs were removed.
local state, limit, removed = tonumber(ARGV[3]), tonumber(ARGV[5]), 0
for priority = 1, PRIORITIES do
  local old = due_set(state, priority)
  for _, id in ipairs(redis.call('ZRANGE', old, '-inf', '(' .. ARGV[4], 'BYSCORE', 'LIMIT', 0, limit - removed)) do
    remove(id, { [STATE] = state, [PRIORITY] = priority })
    removed = removed + 1
  end
end
return removed
