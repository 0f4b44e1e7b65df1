"""The schema of jobs in SQLite, as numbered scripts."""
