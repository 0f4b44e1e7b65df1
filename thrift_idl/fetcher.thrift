/** FETCH: one URL from the web, politely: robots.txt, redirects, address guard, reservation before every request. */
namespace py thrift_idl.gen.fetcher

include "context.thrift"
include "ratelimiter.thrift"

/** One header field as received, in order; the value decoded as Latin-1 (RFC 9110 5.5). */
struct Header {
  1: required string name
  2: required string value
} (python.immutable = "")

/** One answered request of a redirect chain, the last hop excluded. */
struct Hop {
  /** Request form of what was asked. */
  1: required string url
  2: required i32 status
  /** Request form of where it points. */
  3: required string target
  /** http (a 3xx answer) or meta (a zero-delay meta refresh). */
  4: optional string kind = "http"
  /** The address that answered. */
  5: optional string peer = ""
  /** From sending the request to the end of its answer. */
  6: optional double latency_ms = 0
  /** Wall clock (UTC, ms since 1970) when its request was sent, and how long it had waited for its slot. */
  7: optional i64 began_ms = 0
  8: optional double waited_ms = 0
} (python.immutable = "")

/** Where the time of one request went, in milliseconds; what didn't happen (a kept connection's connect, TLS) is 0. */
struct Timing {
  /** For a place among the origin's requests. */
  1: optional double queue_ms = 0
  /** For slots of the rate limiter, the asking included. */
  2: optional double slot_ms = 0
  /** Resolving the host and vetting its addresses. */
  3: optional double dns_ms = 0
  4: optional double connect_ms = 0
  5: optional double tls_ms = 0
  /** From sending the request to the end of the answer's head. */
  6: optional double first_byte_ms = 0
  /** From there to the end of its body. */
  7: optional double body_ms = 0
} (python.immutable = "")

/** What was agreed on with the server, and what its certificate says; the certificate was verified. */
struct TlsFacts {
  /** TLSv1.3, ... */
  1: required string version
  /** As OpenSSL calls it. */
  2: optional string cipher = ""
  /** Common name, or organisation, of who issued the certificate. */
  3: optional string issuer = ""
  /** Until when the certificate is valid: UTC, ms since 1970; 0 = unknown. */
  4: optional i64 not_after_ms = 0
} (python.immutable = "")

/** What the last request was sent on. */
struct SlotTaken {
  /** The registrable domain whose limit it counts against. */
  1: required string domain
  /** Reservations taken: more than one where a slot went by unused, or a kept connection was dead. */
  2: required i32 taken
  3: optional double waited_ms = 0
  /** The domain's interval between two requests as the rate limiter granted it. */
  4: optional double interval_ms = 0
} (python.immutable = "")

/** Which line of robots.txt decided (RFC 9309). */
struct RobotsVerdict {
  1: required bool allowed
  /** Line number in the file as fetched, from 1; 0 = no line matched. */
  2: optional i32 line = 0
  3: optional string rule = ""
  /** The product token of the group that applied; "" = no group. */
  4: optional string group = ""
  /** SHA-256 prefix of the file, hex; "" = no file (4xx). */
  5: optional string version = ""
  6: optional i64 crawl_delay_ms
  /**
   * The bound of ours that the file exceeds, because of which it forbids: too_many_rules, too_many_wildcards,
   * too_many_steps; "" = none.
   */
  7: optional string flag = ""
} (python.immutable = "")

struct FetchRequest {
  1: required context.Context context
  /** As given; parsed by the fetcher. */
  2: required string url
  /** Conditional GET, with the validators of the version that the store holds. */
  3: optional string if_none_match
  4: optional string if_modified_since
  /** Hops already walked before a deferral: the fetch resumes at the last one's target, guards redone. */
  5: optional list<Hop> (python.immutable = "") resume = []
  /** Cap of decoded content, bytes; absent = the server's. */
  6: optional i64 max_bytes
  /** Total deadline, waiting for slots excluded; absent = the server's. */
  7: optional i64 deadline_ms
  /** Longest wait for one slot; absent = 1,000. */
  8: optional i64 max_wait_ms
  /** Media types to accept; empty = HTML. A trailing * matches the rest: image/*. */
  9: optional list<string> (python.immutable = "") accept = []
  /** Stop at a redirect: raises Deferred "moved", its chain ending with that hop, so that the caller may have the
   *  target already. */
  10: optional bool one_hop = 0
} (python.immutable = "")

/** Where the page says it lives; claims are decided at look-up, never here. */
struct CanonicalClaim {
  /** header (Link), tag (link rel=canonical), og (og:url). */
  1: required string source
  2: required string url
} (python.immutable = "")

struct FetchResult {
  /** Request form of the URL that served this. */
  1: required string url
  2: required i32 status
  3: required list<Header> (python.immutable = "") headers
  /** Decoded (gzip, br, ...); empty for 304. */
  4: required binary content
  5: required list<Hop> (python.immutable = "") chain
  /** Lower case, without parameters; sniffed where the header is missing. */
  6: required string media_type
  /** charset parameter of Content-Type, lower case; "" = none. */
  7: optional string charset = ""
  /** Wall clock (UTC, ms since 1970) when the first request of this fetch began. */
  8: required i64 began_ms
  /** Sending the last request to the end of its answer. */
  9: required double latency_ms
  /** Waited for slots, all hops together. */
  10: optional double waited_ms = 0
  /** Bytes of the body on the wire. */
  11: optional i64 wire_bytes = 0
  12: optional string peer = ""
  /** truncated, early_close, ... */
  13: optional list<string> (python.immutable = "") flags = []
  14: optional RobotsVerdict robots
  15: optional list<CanonicalClaim> (python.immutable = "") claims = []
  /** What Content-Type says, and what the first bytes look like; "" = nothing. media_type is the one that counts. */
  16: optional string declared_type = ""
  17: optional string sniffed_type = ""
  /** What the bytes say: a byte order mark, a meta element, or a guess; "" = not asked (no text). */
  18: optional string sniffed_charset = ""
  /** Content codings undone, in the order they were applied. */
  19: optional list<string> (python.immutable = "") codings = []
  /** Bytes of `content`. */
  20: optional i64 content_bytes = 0
  /** Of the last request. */
  21: optional Timing timing
  /** Absent = http. */
  22: optional TlsFacts tls
  23: optional SlotTaken slot
} (python.immutable = "")

struct ExplainRequest {
  1: required context.Context context
  /** As given; parsed by the fetcher. */
  2: required string url
  /** False: robots.txt is not fetched either; what its cache holds has to do. */
  3: optional bool fetch_robots = 1
  /** Longest wait for one slot of the fetch that is foretold; absent = the fetcher's own. */
  4: optional i64 max_wait_ms
} (python.immutable = "")

/** One address that the host resolves to, and whether we would connect to it. */
struct AddressVerdict {
  1: required string address
  /** The port dialled: the URL's, unless connect_to maps the host elsewhere. */
  2: required i32 port
  3: required bool allowed
  4: required string reason
} (python.immutable = "")

/** The robots.txt that decides, and how it came here. */
struct RobotsExplanation {
  1: required string url
  /**
   * fetched (for this call), cached, stale (too old, in force while the origin can't be asked), memory (this fetcher's
   * own; the shared cache lacks it), unavailable (none to be had: see code), unknown (not here, and not fetched).
   */
  2: required string source
  /** Absent: no rules to go by. Its version "" = no file (4xx), or an empty one: all is allowed. */
  3: optional RobotsVerdict verdict
  /** Wall clock (UTC, ms since 1970) of the answer that brought the file, and how long ago that was. */
  4: optional i64 fetched_ms
  5: optional i64 age_ms
  /** Why there is none: a code of the error tree, its message, and when to try again. */
  6: optional string code = ""
  7: optional string message = ""
  8: optional i64 delay_ms
  /** Request forms of the sitemaps that the file names, in its order; at most 100. */
  9: optional list<string> (python.immutable = "") sitemaps = []
} (python.immutable = "")

/** What decides whether a URL is fetched, without fetching it. */
struct Explanation {
  /** Request form; "" = none. */
  1: required string url
  /** Absent: it can't be told, for want of robots.txt. */
  2: optional bool would_fetch
  /** The outcome that a fetch would end in where it would not reach the URL; code "" = none known beforehand. */
  3: optional string family = ""
  4: optional string code = ""
  5: optional string message = ""
  6: optional i64 delay_ms
  /** The URL's port: "" = allowed, else why not. */
  7: optional string port_refusal = ""
  /** In the order of dialling; one that is denied denies the host. */
  8: optional list<AddressVerdict> (python.immutable = "") addresses = []
  /** Absent where the address decides already. */
  9: optional RobotsExplanation robots
  /** What the rate limiter says of the registrable domain; absent where it can't be asked. */
  10: optional ratelimiter.DomainStatus limit
  11: optional string limit_unknown = ""
} (python.immutable = "")

service Fetcher {
  /**
   * Fetch one URL. Raises Refused, Deferred or Unavailable as the URL's outcome; details "url" names the URL that it
   * befell, "status" the HTTP status where one came, "chain" the hops so far, JSON (in Python the error's `chain`).
   */
  FetchResult fetch(1: FetchRequest request) throws (1: context.Failure failure)
  /**
   * Everything that decides what a fetch of one URL would end in; only robots.txt is requested, if it isn't cached.
   * Raises only what is no URL's outcome.
   */
  Explanation explain(1: ExplainRequest request) throws (1: context.Failure failure)
}
