"""Benchmarks of speed and of memory: each module is a command. See docs/benchmarks.md."""
