"""Caches for robots.txt copies: one file for each engine, each fills `RobotsCache`."""
