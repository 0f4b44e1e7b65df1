"""How Aragog is deployed: what it runs on, and the files that start it."""
