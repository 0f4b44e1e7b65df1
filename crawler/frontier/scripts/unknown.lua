-- Frontier.unknown. ARGV[2]: depth; ARGV[3...]: keys, each once. Returns the indices, from 1, of those that want a job.
local depth, keys, wanted = tonumber(ARGV[2]), {}, {}
for i = 3, #ARGV do keys[#keys + 1] = ARGV[i] end
load(keys)
if not crawl or ended() or spent() then return wanted end
for i, key in ipairs(keys) do
  local entry = entries[key]
  if not entry or found_nearer(entry, depth) then
    wanted[#wanted + 1] = i
  else
    lower(key, depth)
    if is_open(entry) and entry.owner == UNOWNED then wanted[#wanted + 1] = i end
  end
end
if next(changed) then store() end
return wanted
