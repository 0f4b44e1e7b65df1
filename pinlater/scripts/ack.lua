-- ARGV: (local id, 1 = succeeded, claim, status, run_after of a retry) of each. Returns succeeded, failed.
local succeeded, failed = 0, 0
for at = 3, #ARGV, 5 do
  local id, status = ARGV[at], ARGV[at + 3]
  local job = held(id, ARGV[at + 2])
  if job and ARGV[at + 1] == '1' then
    job[STATUS] = cut(job[STATUS] .. status)
    move(id, job, SUCCEEDED, NOW)
    succeeded = succeeded + 1
  elseif job then
    spend_attempt(id, job, status, tonumber(ARGV[at + 4]))
    failed = failed + 1
  end
end
return { succeeded, failed }
