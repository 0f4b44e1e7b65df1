"""The way of a URL: fetch, extract, store."""
