"""Where a crawl starts: seeds from the command line, from files, from sitemaps, from pages that are due again."""
