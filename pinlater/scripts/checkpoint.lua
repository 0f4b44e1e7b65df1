-- ARGV: the caller's source, then each request as a packed table: id, claim, to_pending, run_after, status, and, where
-- they change, attempts and body. Returns how many jobs were changed.
local source, changed = ARGV[3], 0

local function apply(id, job, request)
  job[RUN_AFTER] = request.run_after
  job[STATUS] = cut(request.status .. job[STATUS])
  if request.attempts then
    job[ALLOWED], job[REMAINING] = request.attempts, request.attempts
  end
  if request.body then redis.call('HSET', BODIES, id, request.body) end
  if request.to_pending then
    job[CLAIM], job[SOURCE] = '', ''
    move(id, job, PENDING, request.run_after)
  else
    move(id, job, IN_PROGRESS, math.max(request.run_after, NOW))
  end
end

for at = 4, #ARGV do
  local request = cmsgpack.unpack(ARGV[at])
  local job = held(request.id, request.claim)
  if job and (request.claim ~= '' or job[SOURCE] == source) then
    apply(request.id, job, request)
    changed = changed + 1
  end
end
return changed
