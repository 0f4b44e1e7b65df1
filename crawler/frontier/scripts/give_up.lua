-- Frontier.give_up. ARGV[2]: outcome code; ARGV[3...]: keys. Returns how many were skipped.
local code, keys, given_up = ARGV[2], {}, 0
for i = 3, #ARGV do keys[#keys + 1] = ARGV[i] end
load(keys)
if not crawl then return 0 end
for _, key in ipairs(keys) do
  local entry = entries[key]
  if entry and is_open(entry) and entry.owner == UNOWNED then
    close(key, SKIPPED, code, '')
    given_up = given_up + 1
  end
end
if given_up > 0 then
  finish_crawl()
  store()
end
return given_up
