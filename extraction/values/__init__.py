"""Values as pages write them, made regular: plain text, ISO 8601 dates and durations, decimal prices, ISO 4217 codes.

Each function takes what a page says and gives its regular form, "" where it isn't one. All take linear time.
"""
