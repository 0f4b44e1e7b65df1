-- Each cell: the later write stays; in the same millisecond the greater value, a removed alias above every alias.
INSERT INTO url_row (
    key, url, url_write_ms, page, page_write_ms, due_ms, redirects_to, alias_write_ms, outcome, outcome_write_ms
) VALUES (
    :key, :url, :write_ms, :page, :page_write_ms, :due_ms, :redirects_to, :alias_write_ms, :outcome, :outcome_write_ms
)
ON CONFLICT (key) DO UPDATE SET
    url = CASE WHEN (excluded.url_write_ms, excluded.url) > (url_row.url_write_ms, url_row.url)
        THEN excluded.url ELSE url_row.url END,
    url_write_ms = max(excluded.url_write_ms, url_row.url_write_ms),
    page = CASE WHEN (excluded.page_write_ms, excluded.page) > (url_row.page_write_ms, url_row.page)
        THEN excluded.page ELSE url_row.page END,
    due_ms = CASE WHEN (excluded.page_write_ms, excluded.page) > (url_row.page_write_ms, url_row.page)
        THEN excluded.due_ms ELSE url_row.due_ms END,
    page_write_ms = max(excluded.page_write_ms, url_row.page_write_ms),
    redirects_to = CASE WHEN (excluded.alias_write_ms, excluded.redirects_to = '', excluded.redirects_to)
            > (url_row.alias_write_ms, url_row.redirects_to = '', url_row.redirects_to)
        THEN excluded.redirects_to ELSE url_row.redirects_to END,
    alias_write_ms = max(excluded.alias_write_ms, url_row.alias_write_ms),
    outcome = CASE WHEN (excluded.outcome_write_ms, excluded.outcome) > (url_row.outcome_write_ms, url_row.outcome)
        THEN excluded.outcome ELSE url_row.outcome END,
    outcome_write_ms = max(excluded.outcome_write_ms, url_row.outcome_write_ms)
