-- Frontier.schedule. ARGV[2...]: offers.
local keys, owners, depths = offers(2)
load(keys)
if not crawl or ended() then return end
for i, key in ipairs(keys) do enter(key, owners[i], depths[i]) end
if next(changed) then store() end
