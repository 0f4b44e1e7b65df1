-- What every script begins with.
-- KEYS: the queues' names, the paused ones' names, the last local id, the queue's jobs, their bodies; then the queue's sorted sets of local
-- ids by due time: those of state 0, one for each priority, those of state 1, and so on.
-- ARGV: the queue, now in ms, then what the script asks for.
local QUEUES, PAUSED, LAST_ID, JOBS, BODIES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local NOW = tonumber(ARGV[2])
local PENDING, IN_PROGRESS, SUCCEEDED, FAILED = 0, 1, 2, 3
local FIRST_SET = 5
local PRIORITIES = (#KEYS - FIRST_SET) / 4

-- The fields of a packed job; without a claim, CLAIM and SOURCE are empty.
local STATE, PRIORITY, RUN_AFTER, CREATED, UPDATED = 1, 2, 3, 4, 5
local ALLOWED, REMAINING, CLAIM, SOURCE, STATUS = 6, 7, 8, 9, 10

if redis.call('SISMEMBER', QUEUES, ARGV[1]) == 0 then
  return redis.error_reply('NOQUEUE there is no such queue')
end

local function due_set(state, priority)
  return KEYS[FIRST_SET + state * PRIORITIES + priority]
end

-- A job in that state, or nil.
local function job_in(state, id)
  local packed = redis.call('HGET', JOBS, id)
  if not packed then return nil end
  local job = cmsgpack.unpack(packed)
  if job[STATE] ~= state or job[PRIORITY] > PRIORITIES then return nil end
  return job
end

-- A claimed job, or nil if its claim has moved on. `claim` is '=' and the descriptor; '' stands for any claim.
local function held(id, claim)
  local job = job_in(IN_PROGRESS, id)
  if job and (claim == '' or claim == '=' .. job[CLAIM]) then return job end
  return nil
end

-- Tell the servers, once a script, that the queue has a job more that is or becomes ready: some callers wait for it.
local told = false
local function tell()
  if not told then redis.call('PUBLISH', QUEUES .. ':arrivals', ARGV[1]) end
  told = true
end

local function move(id, job, state, due)
  local from, to = due_set(job[STATE], job[PRIORITY]), due_set(state, job[PRIORITY])
  if from ~= to then redis.call('ZREM', from, id) end
  redis.call('ZADD', to, due, id)
  job[STATE], job[UPDATED] = state, NOW
  redis.call('HSET', JOBS, id, cmsgpack.pack(job))
  if state == PENDING then tell() end
end

-- The first STATUS_CHARACTERS characters of a UTF-8 text.
local function cut(text)
  if #text <= STATUS_CHARACTERS then return text end
  local characters = 0
  for start in string.gmatch(text, '()[%z\1-\127\194-\244][\128-\191]*') do
    characters = characters + 1
    if characters > STATUS_CHARACTERS then return string.sub(text, 1, start - 1) end
  end
  return text
end

-- A failed ack or a lost claim; the job's new state.
local function spend_attempt(id, job, status, run_after)
  job[STATUS] = cut(job[STATUS] .. status)
  if job[REMAINING] > 1 then
    job[REMAINING], job[RUN_AFTER] = job[REMAINING] - 1, run_after
    job[CLAIM], job[SOURCE] = '', ''
    move(id, job, PENDING, run_after)
    return PENDING
  end
  job[REMAINING] = 0
  move(id, job, FAILED, NOW)
  return FAILED
end

local function remove(id, job)
  redis.call('ZREM', due_set(job[STATE], job[PRIORITY]), id)
  redis.call('HDEL', JOBS, id)
  redis.call('HDEL', BODIES, id)
end
