"""Readers of the syntaxes that pages say things in: each gives nodes as JSON-LD has them, for `graph` to join.

A node is a dict: `@type` (bare names), `@id`, and values by schema.org's names, whatever syntax it was written in.
"""
