"""The store's tables: NNNN_*.sql for SQLite, NNNN_*.cql for Cassandra. Released scripts never change."""
