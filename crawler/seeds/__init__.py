"""The first URLs of a crawl: seeds from the command line, from files, from sitemaps, from pages that are due again."""
