-- Crawls.create. ARGV[2...]: description, hosts, limited, max_pages ('' = none). Returns 1, or 0 where the id is taken.
if redis.call('EXISTS', CRAWL) == 1 then return 0 end
redis.call('HSET', CRAWL, 'description', ARGV[2], 'hosts', ARGV[3], 'limited', ARGV[4], 'max_pages', ARGV[5],
  'state', 'running', 'seeded', '0', 'pages', '0', 'ended_ms', '0', 'waiting', '0', 'claimed', '0', 'page', '0',
  'alias', '0', 'refused', '0', 'failed', '0', 'skipped', '0')
return 1
