"""The frontier's tables: NNNN_*.sql for SQLite. Released scripts never change."""
