-- ARGV: state, then local ids. Returns how many of them were in that state.
local state, removed = tonumber(ARGV[3]), 0
for at = 4, #ARGV do
  local job = job_in(state, ARGV[at])
  if job then
    remove(ARGV[at], job)
    removed = removed + 1
  end
end
return removed
