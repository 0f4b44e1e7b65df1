"""Connection URLs turned into paths and configured clients: SQLite, Redis, Cassandra, S3. Nothing about our data.

Each module imports its library itself, so that the embedded installation needs no heavy library.
"""
