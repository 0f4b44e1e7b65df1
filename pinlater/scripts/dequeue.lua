-- ARGV: limit, claim (empty: nothing is claimed), source, then the priorities in their order.
-- Returns local id, packed job as it was, and body of each.
local limit, claim, source = tonumber(ARGV[3]), ARGV[4], ARGV[5]
local found, bytes = {}, 0

local function take(id, packed)
  local job = cmsgpack.unpack(packed)
  job[CLAIM], job[SOURCE] = claim, source
  move(id, job, IN_PROGRESS, NOW)
end

for at = 6, #ARGV do
  local ready = due_set(PENDING, tonumber(ARGV[at]))
  local left = limit - #found / 3
  for _, id in ipairs(redis.call('ZRANGE', ready, '-inf', NOW, 'BYSCORE', 'LIMIT', 0, left)) do
    local packed, body = redis.call('HGET', JOBS, id), redis.call('HGET', BODIES, id)
    bytes = bytes + #body
    if bytes > PAGE_BYTES and bytes > #body then return found end
    found[#found + 1], found[#found + 2], found[#found + 3] = id, packed, body
    if claim ~= '' then take(id, packed) end
  end
end
return found
