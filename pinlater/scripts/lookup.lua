-- ARGV: 1 = with bodies, then local ids. Returns packed job and body (or false) of each; false, false where none is.
local found = {}
for at = 4, #ARGV do
  found[#found + 1] = redis.call('HGET', JOBS, ARGV[at])
  found[#found + 1] = ARGV[3] == '1' and redis.call('HGET', BODIES, ARGV[at])
end
return found
