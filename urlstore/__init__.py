"""STORE: content, metadata, links, inlinks, aliases, outcomes and attributes of every URL, over exchangeable backends.

`service` answers the calls. `page_updates`, `aliases`, `canonical_claims`, `headers`, `record_hash`
and `inlinks` decide, without I/O; `cells` packs their decisions; `backends` keep them.
"""
