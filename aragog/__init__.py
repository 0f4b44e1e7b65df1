"""The application: the only package that imports all the others. CLI, configuration, assembly, crawl."""

__version__ = "0.1.0"
