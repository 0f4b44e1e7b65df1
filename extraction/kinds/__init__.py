"""The kinds of pages: one table each, which properties of schema.org and of OpenGraph make which field.

`reading` reads a table; `typed` decides what the page is.
"""
