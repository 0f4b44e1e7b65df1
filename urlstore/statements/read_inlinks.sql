SELECT source_key, cell FROM inlink
WHERE target_key = :target_key AND kind = :kind AND source_key > :after AND cell <> x''
ORDER BY source_key LIMIT :limit
