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

/** A version of the page in another language, or for another region: hreflang. */
struct Alternate {
  /** BCP 47 as written, or x-default. */
  1: required string language
  2: required string url
} (python.immutable = "")

/** Something that a link element offers of the page: a feed, an oEmbed endpoint. */
struct Offered {
  1: required string url
  /** Media type as written, lower case. */
  2: optional string media_type = ""
  3: optional string title = ""
} (python.immutable = "")

/**
 * What a preview of any page shows. Text is plain: no mark-up, no entities, white space collapsed.
 * Dates are ISO 8601, as exact as the page is. Which source wins: extraction/precedence.py.
 */
struct Card {
  1: optional string title = ""
  2: optional string description = ""
  3: optional string site_name = ""
  4: optional list<string> (python.immutable = "") authors = []
  5: optional string published = ""
  6: optional string modified = ""
  /** BCP 47 with hyphens. */
  7: optional string language = ""
  8: optional string logo = ""
  9: optional string favicon = ""
  /** As claimed: rel=canonical, then og:url. */
  10: optional string canonical = ""
  11: optional list<Alternate> (python.immutable = "") alternates = []
  12: optional list<Offered> (python.immutable = "") feeds = []
  13: optional string amp = ""
  14: optional string image = ""
  15: optional list<Offered> (python.immutable = "") oembed = []
  /** al:*, names in lower case. */
  16: optional list<Property> (python.immutable = "") app_links = []
} (python.immutable = "")

/** What others think of it, as decimals. */
struct Rating {
  1: required string value
  /** Of how many; "" = not said, which means 5. */
  2: optional string best = ""
  /** Ratings, or else reviews. */
  3: optional i32 count = 0
} (python.immutable = "")

/** A step of a recipe. */
struct Step {
  1: required string text
  /** Heading of the part of the recipe that it belongs to. */
  2: optional string section = ""
} (python.immutable = "")

struct Recipe {
  1: optional string name = ""
  2: optional string description = ""
  3: optional string image = ""
  4: optional list<string> (python.immutable = "") authors = []
  5: optional list<string> (python.immutable = "") ingredients = []
  6: optional list<Step> (python.immutable = "") instructions = []
  /** ISO 8601 durations. */
  7: optional string prep_time = ""
  8: optional string cook_time = ""
  9: optional string total_time = ""
  /** What it yields: "4 servings". */
  10: optional string yields = ""
  11: optional Rating rating
  /** schema.org's names without "Content": calories, fat, ... */
  12: optional list<Property> (python.immutable = "") nutrition = []
  13: optional list<string> (python.immutable = "") categories = []
  14: optional list<string> (python.immutable = "") cuisines = []
  15: optional list<string> (python.immutable = "") keywords = []
  16: optional string published = ""
} (python.immutable = "")

struct Offer {
  /** A decimal number with a point. */
  1: optional string price = ""
  /** Of an aggregate of offers. */
  2: optional string high_price = ""
  /** ISO 4217. */
  3: optional string currency = ""
  /** schema.org's ItemAvailability: InStock, OutOfStock, PreOrder, ... */
  4: optional string availability = ""
  /** schema.org's OfferItemCondition: NewCondition, UsedCondition, ... */
  5: optional string condition = ""
  6: optional string url = ""
  7: optional string seller = ""
  8: optional string valid_until = ""
} (python.immutable = "")

/** One of several forms that a product is sold in. */
struct Variant {
  1: optional string name = ""
  2: optional string sku = ""
  3: optional string gtin = ""
  4: optional string image = ""
  5: optional string url = ""
  6: optional list<Offer> (python.immutable = "") offers = []
} (python.immutable = "")

struct Product {
  1: optional string name = ""
  2: optional string description = ""
  3: optional string image = ""
  4: optional string brand = ""
  5: optional string gtin = ""
  6: optional string sku = ""
  7: optional string mpn = ""
  8: optional string category = ""
  /** Of the first offer that has a price. */
  9: optional string price = ""
  10: optional string currency = ""
  11: optional string availability = ""
  12: optional list<Offer> (python.immutable = "") offers = []
  13: optional list<Variant> (python.immutable = "") variants = []
  14: optional Rating rating
} (python.immutable = "")

struct Article {
  1: optional string name = ""
  2: optional string description = ""
  3: optional string image = ""
  4: optional list<string> (python.immutable = "") authors = []
  5: optional string published = ""
  6: optional string modified = ""
  7: optional string section = ""
  8: optional list<string> (python.immutable = "") keywords = []
  9: optional string publisher = ""
  /** "true", "false"; "" = not said. */
  10: optional string free = ""
} (python.immutable = "")

struct Movie {
  1: optional string name = ""
  2: optional string description = ""
  3: optional string image = ""
  4: optional list<string> (python.immutable = "") directors = []
  5: optional list<string> (python.immutable = "") actors = []
  6: optional list<string> (python.immutable = "") genres = []
  7: optional string duration = ""
  8: optional string published = ""
  9: optional string content_rating = ""
  10: optional Rating rating
} (python.immutable = "")

struct Place {
  1: optional string name = ""
  2: optional string description = ""
  3: optional string image = ""
  4: optional string street = ""
  5: optional string locality = ""
  6: optional string region = ""
  7: optional string postal_code = ""
  8: optional string country = ""
  /** Decimal degrees, WGS 84. */
  9: optional string latitude = ""
  10: optional string longitude = ""
  11: optional string telephone = ""
  /** As schema.org's openingHours: "Mo-Fr 09:00-17:00". */
  12: optional list<string> (python.immutable = "") hours = []
  13: optional string price_range = ""
  14: optional Rating rating
} (python.immutable = "")

struct App {
  1: optional string name = ""
  2: optional string description = ""
  3: optional string image = ""
  4: optional string operating_system = ""
  5: optional string category = ""
  6: optional string developer = ""
  7: optional string price = ""
  8: optional string currency = ""
  9: optional string version = ""
  10: optional Rating rating
} (python.immutable = "")

struct Video {
  1: optional string name = ""
  2: optional string description = ""
  3: optional string image = ""
  4: optional string duration = ""
  5: optional string published = ""
  6: optional string url = ""
  7: optional string embed_url = ""
} (python.immutable = "")

struct Profile {
  1: optional string name = ""
  2: optional string description = ""
  3: optional string image = ""
  4: optional string username = ""
  5: optional string first_name = ""
  6: optional string last_name = ""
  /** Elsewhere on the web. */
  7: optional list<string> (python.immutable = "") same_as = []
} (python.immutable = "")

/** What the page is about, and what it says of that. A page that has a recipe may be an article, too. */
struct Typed {
  /** The one that the page is: recipe, product, movie, place, app, video, profile, article; other. */
  1: required string kind
  /** 0 to 1: structured data that is complete, OpenGraph's type, a guess. */
  2: required double confidence
  3: optional Recipe recipe
  4: optional Product product
  5: optional Movie movie
  6: optional Place place
  7: optional App app
  8: optional Video video
  9: optional Profile profile
  10: optional Article article
} (python.immutable = "")

/** What the page asks of one agent: meta elements and headers. What isn't asked is false, or "". */
struct AgentPreferences {
  /** Lower case; "" = all. */
  1: required string agent
  2: optional bool noindex = false
  3: optional bool nofollow = false
  4: optional bool noarchive = false
  5: optional bool nosnippet = false
  6: optional bool noimageindex = false
  7: optional bool noai = false
  8: optional bool noimageai = false
  /** none, standard, large. */
  9: optional string max_image_preview = ""
  /** meta pinterest: nopin. */
  10: optional bool nopin = false
  /** meta pinterest-rich-pin: false. */
  11: optional bool no_rich_pin = false
  /** Content-Signal, AIPREF: yes, no; "" = not said. */
  12: optional string search = ""
  13: optional string ai_input = ""
  14: optional string ai_train = ""
  /** TDM Reservation Protocol: rights are reserved, and the policy that says how to have them. */
  15: optional bool tdm_reserved = false
  16: optional string tdm_policy = ""
} (python.immutable = "")

/** Why a field is what it is: one statement of the page, and what became of it. Made when asked for, never stored. */
struct Evidence {
  /** card.title, recipe.ingredients, ... */
  1: required string field
  /** json-ld, microdata, rdfa, microformats, opengraph, twitter, dublin-core, meta, link, html, http. */
  2: required string syntax
  /** Of the property, meta element or link type. */
  3: required string name
  /** As read, bounded. */
  4: required string value
  /** It stands in this element, the so manieth of its name (from 1) in the document; "" and 0 = in none. */
  5: optional string element = ""
  6: optional i32 ordinal = 0
  /** Where that element begins in the content, in bytes; -1 = isn't known. */
  7: optional i32 offset = -1
  /** "" = it won; or why not. */
  8: optional string lost = ""
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
  18: optional Card card
  19: optional Typed typed
  /** What each agent that the page names is asked; the entry for all comes first, where there is one. */
  20: optional list<AgentPreferences> (python.immutable = "") agents = []
  /** What the page is about, a line for each block, without navigation and comments; "" = not asked for, or none. */
  30: optional string main_text = ""
  /** Words of main_text. */
  31: optional i32 word_count = 0
  /** The language that main_text is written in, ISO 639-1; "" = too little to tell. */
  32: optional string text_language = ""
  /** 64 bits, big endian, that near-duplicates share but for a few: of main_text; empty = none. */
  33: optional binary simhash = ""
} (python.immutable = "")
