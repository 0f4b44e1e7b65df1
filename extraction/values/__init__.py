"""Values of pages in regular form: plain text, ISO 8601 dates and durations, decimal prices, ISO 4217 codes.

Each function takes a page's text and returns its regular form, "" if there is none. All take linear time.
"""
