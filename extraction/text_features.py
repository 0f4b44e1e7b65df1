"""Features of a page's main content: optional, and bounded by limits of their own."""

from __future__ import annotations

from typing import Any

from selectolax.lexbor import LexborNode

from extraction.flags import Flags
from extraction.limits import ExtractionLimits


def text_features_of(body: LexborNode, limits: ExtractionLimits, flags: Flags) -> dict[str, Any]:
    """The fields of a page record about its text, from the content of `body`."""
    # Here, because most extractors never need it: reading the tables of words is a sixth of an extractor's start.
    from extraction.main_content import main_text  # noqa: PLC0415 - see above
    from extraction.words import language_of, simhash, words_of  # noqa: PLC0415 - see above

    text = main_text(body, limits, flags)
    words = words_of(text)
    return {
        "main_text": text,
        "word_count": len(words),
        "text_language": language_of(text, words),
        "simhash": simhash(words),
    }
