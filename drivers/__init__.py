"""How a connection URL becomes a path or a configured client: SQLite, Redis, Cassandra, S3. Nothing about our data.

Each module imports its library itself, so that the embedded installation needs none of the heavy ones.
"""
