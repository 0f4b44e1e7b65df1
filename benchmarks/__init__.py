"""How fast, and how much of what: each module is a command. See docs/benchmarks.md."""
