"""Readers of the syntaxes for structured data in pages: each returns nodes in JSON-LD's form, for `graph` to join.

A node is a dict: `@type` (bare names), `@id`, and values by schema.org's names, for every syntax alike.
"""
