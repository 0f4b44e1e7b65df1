-- Delete the lease KEYS[1] only while it is still ours (ARGV[1]): one that ran out may be another's by now.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
