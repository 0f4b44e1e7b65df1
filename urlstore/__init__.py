"""STORE: content, metadata, links, inlinks, aliases, outcomes and attributes of every URL, over exchangeable backends.

`service` answers the calls; `puts`, `pages`, `aliases`, `claims`, `headers`, `record_hash` decide, without I/O, as does
`inlinks` on what `linking` writes and `union` reads; `cells` packs what is decided; `backends` keep it.
"""
