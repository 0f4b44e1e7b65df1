-- ARGV: how the sources' names begin. Returns how many jobs are FAILED, how many PENDING again.
local prefix, done, retry = ARGV[3], 0, 0
for priority = 1, PRIORITIES do
  for _, id in ipairs(redis.call('ZRANGE', due_set(IN_PROGRESS, priority), 0, -1)) do
    local job = job_in(IN_PROGRESS, id)
    if string.sub(job[SOURCE], 1, #prefix) == prefix then
      if spend_attempt(id, job, '', NOW) == FAILED then
        done = done + 1
      else
        retry = retry + 1
      end
    end
  end
end
return { done, retry }
