"""Bounds of one extraction: everything found before a bound is kept, and a flag names the bound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExtractionLimits:
    """Bounds on the part of a page that is read and kept; lengths in characters unless a name says bytes.

    The defaults take documentation on one page whole (docs/real-sites.md) and keep hostile pages within five seconds of
    CPU and 300 MiB (tests/faults/extraction/test_costs.py). The worst takes 4.3 s on a shared machine: 240,000 drawings
    with a paragraph in each. The bounds of the child process stop what exceeds these limits.
    """

    content_bytes: int = 10 * 1024 * 1024
    """Flag `truncated`: the rest isn't parsed."""
    tags: int = 500_000
    """`<` characters that are parsed: one for each 21 bytes of the longest page. Flag `too_many_tags`."""
    depth: int = 512
    """Open elements at once, as in browsers (Blink stops at 512). Flag `too_deep`: parsed up to that point."""
    depth_steps: int = 8_000_000
    """Open elements that are examined for the depth: half a second. Flag `too_deep`."""
    tag_bytes: int = 16 * 1024
    """A longer tag has its attributes counted: Lexbor takes time quadratic in their number."""
    attributes: int = 1_000
    """Attributes of one tag. Flag `too_many_attributes`: parsed up to that tag."""
    attribute_pairs: int = 200_000_000
    """The sum of the squares of those numbers, over all tags. Flag `too_many_attributes`."""
    nodes: int = 1_000_000
    """Nodes of the parsed tree that are visited. Flag `too_many_nodes`."""
    outlinks: int = 30_000
    """As many of usual length as fit into `record_bytes`. Flag `too_many_outlinks`, as for the next."""
    rel_words: int = 40_000
    """Values of all links together. Each link has six more values; a frame to the store takes 250,000 in all."""
    long_urls: int = 4 * 2_816 * 1024
    """Characters of URLs over 1,024, all together: four times `record_bytes`. Those after it are not resolved. Flag
    `too_many_long_urls`."""
    images: int = 1_000
    """Flag `too_many_images`."""
    image_candidates: int = 50_000
    """Images that elements offer, repeated ones included: a srcset offers one for each comma, a style attribute one.
    Flag `too_many_images`; elements after the one that exceeds it are skipped."""
    properties: int = 500
    """OpenGraph's, and Twitter's separately. Flag `too_many_properties`."""
    property_length: int = 8_192
    """Characters of one content. Flag `text_cut`, as for the next three."""
    title_length: int = 1_024
    description_length: int = 4_096
    anchor_length: int = 256
    """Anchor text and image alt: cut without a flag, they are labels."""
    json_ld_blocks: int = 100
    """Flag `too_many_json_ld`."""
    json_ld_bytes: int = 512 * 1024
    """Bytes of one block; together, four times as many. Flag `json_ld_too_large`."""
    json_ld_depth: int = 64
    """Flag `json_ld_too_deep`."""
    directives: int = 200
    """Robots directives, all agents together. Flag `too_many_directives`."""
    main_text_nodes: int = 50_000
    """Nodes that are examined for the main content. Flag `main_text_cut`, as for the next."""
    main_text_length: int = 200_000
    record_bytes: int = 2_816 * 1024
    """Bytes of the packed record: a store takes 3 MiB, headers of the answer included. Flag `record_too_large`: its
    longest lists are cut."""


DEFAULT = ExtractionLimits()
