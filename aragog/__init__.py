"""The roof: the only package that knows all the others. CLI, configuration, assembly, crawl."""

__version__ = "0.1.0"
