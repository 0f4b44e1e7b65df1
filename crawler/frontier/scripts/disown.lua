-- Frontier.disown. ARGV[2]: '1' to fetch anew; ARGV[3...]: key, packed entry of each, as it was seen.
-- Returns how many wait again.
local refetch, keys, seen, disowned = ARGV[2] == '1', {}, {}, 0
for i = 3, #ARGV, 2 do
  keys[#keys + 1] = ARGV[i]
  seen[ARGV[i]] = ARGV[i + 1]
end
load(keys)
if not crawl or crawl.state == 'cancelled' then return 0 end
for _, key in ipairs(keys) do
  local entry = entries[key]
  if entry and packed(entry) == seen[key] then
    if refetch and entry.state == PAGE then crawl.pages = crawl.pages - 1 end
    run_again()
    move(key, WAITING, entry.fetched and not refetch, entry.depth, UNOWNED)
    disowned = disowned + 1
  end
end
if disowned > 0 then store() end
return disowned
