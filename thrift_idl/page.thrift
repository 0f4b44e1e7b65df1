/**
 * What a page says: the records of extraction, kept by the UrlStore, read by everybody.
 * New fields get new ids; ids are never used again.
 */
namespace py thrift_idl.gen.page

/** A property and its content as the page wrote it, entities decoded: OpenGraph, Twitter cards. Order is kept. */
struct Property {
  1: required string name
  2: required string content
} (python.immutable = "")

/** A link out of the page. */
struct Link {
  /** Absolute, parsed (WHATWG), without fragment and userinfo. */
  1: required string url
  /** Link types of the element, lower case, in order. */
  2: required list<string> (python.immutable = "") rel
  /** Anchor text, white space collapsed, bounded. */
  3: required string text
  /** rel or the page's meta robots says nofollow: stored, never enqueued. */
  4: required bool nofollow
  /** It stands in a nav, header, footer, aside or a run of links, not among the page's own text. */
  5: optional bool navigation = 0
} (python.immutable = "")

/** An image that the page shows or names. */
struct Image {
  1: required string url
  /** Where it was found: og, twitter, json-ld, img, srcset, picture, lazy, noscript, css, link. */
  2: required string found
  3: optional string alt = ""
  /** Declared size in CSS pixels, 0 = not declared. */
  4: optional i32 width = 0
  5: optional i32 height = 0
  /** Text of the figcaption of its figure, white space collapsed, bounded. */
  6: optional string caption = ""
  /** Where the a around it leads, absolute; "" = nowhere. */
  7: optional string link = ""
  /** How wide a srcset says that the file is, in pixels: it was the widest; 0 = not said. */
  8: optional i32 file_width = 0
  /** 1 = the one that shows best what the page is about; each image of a record has its own. */
  9: optional i32 rank = 0
} (python.immutable = "")

/** Directives of meta robots or X-Robots-Tag for one agent ("" = all), lower case, in order. */
struct RobotsDirectives {
  1: required string agent
  2: required list<string> (python.immutable = "") directives
} (python.immutable = "")

/** Everything that extraction found in one page. */
struct PageRecord {
  1: required i32 extractor_version
  2: optional string title = ""
  3: optional string description = ""
  /** rel=canonical as claimed, absolute; a claim, not a verdict. */
  4: optional string canonical = ""
  /** BCP 47, as declared: html lang, Content-Language. */
  5: optional string language = ""
  6: optional list<Property> (python.immutable = "") opengraph = []
  7: optional list<Property> (python.immutable = "") twitter = []
  /** Each JSON-LD block as compact JSON, keys in the page's order. */
  8: optional list<string> (python.immutable = "") json_ld = []
  9: optional list<Image> (python.immutable = "") images = []
  10: optional list<Link> (python.immutable = "") outlinks = []
  11: optional list<RobotsDirectives> (python.immutable = "") robots = []
  /** The charset that decoded the page, WHATWG name in lower case. */
  12: optional string charset = ""
  /** What bounded or mended the result: truncated, too_deep, bad_charset, timed_out, ... */
  13: optional list<string> (python.immutable = "") flags = []
  /** SHA-256 of the visible text, white space collapsed: 32 bytes. */
  14: optional binary text_hash = ""
  15: optional string site_name = ""
  /** og:url as claimed, absolute. */
  16: optional string og_url = ""
  /** Preferences beside robots: nopin, ... */
  17: optional list<string> (python.immutable = "") preferences = []
  /** What the page is about, a line for each block, without navigation and comments; "" = not asked for, or none. */
  30: optional string main_text = ""
  /** Words of main_text. */
  31: optional i32 word_count = 0
  /** The language that main_text is written in, ISO 639-1; "" = too little to tell. */
  32: optional string text_language = ""
  /** 64 bits, big endian, that near-duplicates share but for a few: of main_text; empty = none. */
  33: optional binary simhash = ""
} (python.immutable = "")
