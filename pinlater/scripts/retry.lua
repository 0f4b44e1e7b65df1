-- ARGV: attempts, run_after, then local ids. Returns how many of them were FAILED.
local attempts, run_after, changed = tonumber(ARGV[3]), tonumber(ARGV[4]), 0
for at = 5, #ARGV do
  local job = job_in(FAILED, ARGV[at])
  if job then
    job[ALLOWED], job[REMAINING], job[RUN_AFTER] = attempts, attempts, run_after
    job[CLAIM], job[SOURCE] = '', ''
    move(ARGV[at], job, PENDING, run_after)
    changed = changed + 1
  end
end
return changed
