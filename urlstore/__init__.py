"""STORE: content, metadata, links, aliases, outcomes and attributes of every URL, over exchangeable backends.

`service` answers the calls; `puts`, `pages`, `aliases`, `claims`, `headers`, `record_hash` decide, without I/O; `cells`
packs what is decided; `backends` keep it.
"""
