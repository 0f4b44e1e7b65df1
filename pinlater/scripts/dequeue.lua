-- ARGV: limit, claim (empty: nothing is claimed), source, how many may be claimed at a time, then the priorities in
-- their order. Returns local id, packed job as it was, and body of each.
local limit, claim, source, left = tonumber(ARGV[3]), ARGV[4], ARGV[5], tonumber(ARGV[6])
local found, bytes = {}, 0

local function take(id, packed)
  local job = cmsgpack.unpack(packed)
  job[CLAIM], job[SOURCE] = claim, source
  move(id, job, IN_PROGRESS, NOW)
end

if claim ~= '' then
  if redis.call('SISMEMBER', PAUSED, ARGV[1]) == 1 then return redis.error_reply('PAUSED the queue is paused') end
  for priority = 1, PRIORITIES do left = left - redis.call('ZCARD', due_set(IN_PROGRESS, priority)) end
  limit = math.min(limit, left)
end

for at = 7, #ARGV do
  local ready = due_set(PENDING, tonumber(ARGV[at]))
  for _, id in ipairs(redis.call('ZRANGE', ready, '-inf', NOW, 'BYSCORE', 'LIMIT', 0, math.max(limit - #found / 3, 0))) do
    local packed, body = redis.call('HGET', JOBS, id), redis.call('HGET', BODIES, id)
    bytes = bytes + #body
    if bytes > PAGE_BYTES and bytes > #body then return found end
    found[#found + 1], found[#found + 2], found[#found + 3] = id, packed, body
    if claim ~= '' then take(id, packed) end
  end
end
return found
