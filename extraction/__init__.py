"""EXTRACT: bytes of a page in, a `PageRecord` out. Pure, bounded, one pass over one Lexbor tree.

`extraction.page.extract` does the whole work; `extraction.head.read_head` reads canonical link and meta refresh from a
page's first bytes; `extraction.child_call` is `extract` as bytes -> bytes, for a child process. Nothing is imported
here, so that the fetcher, which needs only the head, loads no parser.
"""

EXTRACTOR_VERSION = 4
"""Raised when a change gives another record for the same page: stored pages can then be extracted again."""
