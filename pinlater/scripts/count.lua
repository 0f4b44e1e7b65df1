-- ARGV: state, due later than, due before, then priorities.
local count = 0
for at = 6, #ARGV do
  local set = due_set(tonumber(ARGV[3]), tonumber(ARGV[at]))
  count = count + redis.call('ZCOUNT', set, '(' .. ARGV[4], '(' .. ARGV[5])
end
return count
