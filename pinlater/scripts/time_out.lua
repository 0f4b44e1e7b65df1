-- ARGV: claimed or confirmed before, limit. Returns how many jobs are FAILED, how many PENDING again.
local limit, done, retry = tonumber(ARGV[4]), 0, 0
for priority = 1, PRIORITIES do
  local left = limit - done - retry
  local claimed = due_set(IN_PROGRESS, priority)
  for _, id in ipairs(redis.call('ZRANGE', claimed, '-inf', '(' .. ARGV[3], 'BYSCORE', 'LIMIT', 0, left)) do
    if spend_attempt(id, job_in(IN_PROGRESS, id), '', NOW) == FAILED then
      done = done + 1
    else
      retry = retry + 1
    end
  end
end
return { done, retry }
