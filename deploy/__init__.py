"""Deployment of Aragog: the engines that it runs on, and the files that start it."""
