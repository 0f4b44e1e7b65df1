"""One visit of one URL: look up, fetch, extract, store."""
