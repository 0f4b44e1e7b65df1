"""The kinds of pages: one table for each, from properties of schema.org and OpenGraph to fields.

`reading` reads a table; `typed` decides the kind of the page.
"""
