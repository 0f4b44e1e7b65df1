-- Returns whether the queue is paused (1, 0), and the due time of its first PENDING job (-1 = it has none).
local first = -1
for priority = 1, PRIORITIES do
  local due = redis.call('ZRANGE', due_set(PENDING, priority), 0, 0, 'WITHSCORES')[2]
  if due and (first < 0 or tonumber(due) < first) then first = tonumber(due) end
end
return { redis.call('SISMEMBER', PAUSED, ARGV[1]), first }
