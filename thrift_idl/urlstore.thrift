/** STORE: content, metadata, links, aliases, outcomes and attributes of every URL. */
namespace py thrift_idl.gen.urlstore

include "context.thrift"
include "fetcher.thrift"
include "page.thrift"

/** The current version of a page: one packed cell of its URL's row. */
struct Page {
  /** Request form of the URL that served it. */
  1: required string url
  /** Previous + 1 when the content differs from the current row's; from 1. */
  2: required i64 version
  /** SHA-256 of the decoded content: 32 bytes. */
  3: required binary content_hash
  /** SHA-256 of what a reader would call the page (title, text, links, images, typed fields): 32 bytes. */
  4: required binary record_hash
  /** Where the content lies: URL key / content hash, hex; "" = not kept (noarchive). */
  5: required string content_key
  6: required i64 content_bytes
  7: required i32 status
  8: required list<fetcher.Header> (python.immutable = "") headers
  9: required string media_type
  /** Validators for the next conditional GET; "" = none. */
  10: optional string etag = ""
  11: optional string last_modified = ""
  /** When the fetch of this version began; when the page was last seen unchanged; when its record last changed. */
  12: required i64 fetched_ms
  13: required i64 last_seen_ms
  14: required i64 changed_ms
  /** max(when the fetch began, previous + 1): the row's write time, ms since 1970. */
  15: required i64 write_ms
  16: required page.PageRecord record
  17: optional double latency_ms = 0
  19: optional fetcher.RobotsVerdict robots
  /** How long the page is left alone before its next visit: halved when its record changed, doubled when not; 0 = as
   *  new. Within which bounds it is revisited is the revisitor's business. */
  20: optional i64 revisit_ms = 0
} (python.immutable = "")

/** How the last visit of a URL ended. */
struct Outcome {
  /** fetched, refused, deferred, unavailable; internal = an error of ours. */
  1: required string family
  /** A code of the error tree; "fetched" for success, "unchanged" for 304, "redirected" for an alias. */
  2: required string code
  3: optional string message = ""
  4: required i64 at_ms
  5: optional i32 status = 0
  6: optional i64 delay_ms
  7: optional map<string, string> (python.immutable = "") details = {}
} (python.immutable = "")

/** Everything stored under one URL key. */
struct UrlRow {
  1: required binary key
  2: required string url
  3: optional Page page
  /** Request form of the URL that this one redirects to; absent = none. */
  4: optional string redirects_to
  5: optional Outcome outcome
  /** The page's version if its outlinks are among the inlinks of their targets; 0 = link it. */
  6: optional i64 linked_version = 0
} (python.immutable = "")

/** A link into a page, one a source: its first link there. Stored by target and source, less `via`. */
struct Inlink {
  /** Request form of the page that links. */
  1: required string url
  2: required list<string> (python.immutable = "") rel
  3: required string text
  4: required bool nofollow
  /** Version of the page that links. */
  5: required i64 version
  /** The alias of the asked page that the link names; "" = the page's own URL. */
  6: optional string via = ""
} (python.immutable = "")

/** Which targets have a page's inlinks: a packed cell of the page's row, never sent. */
struct Linked {
  /** False = entries are being written: any of `targets` and `stale` may have one. */
  1: required bool done
  /** Write time of the entries, µs since 1970. */
  2: required i64 stamp_us
  /** What was linked: version, content hash, record hash; empty = no page, or an alias. */
  3: required binary identity
  /** URL keys, 16 bytes each, sorted. */
  4: required binary targets
  /** As `targets`: those that may have an entry and must lose it. */
  5: optional binary stale = ""
} (python.immutable = "")

struct PutPageRequest {
  1: required context.Context context
  /** The fetch, its content included. */
  2: required fetcher.FetchResult fetched
  3: required page.PageRecord record
  /** write_ms of the row that the fetch read for its conditional GET; 0 = none. */
  4: optional i64 previous_write_ms = 0
} (python.immutable = "")

struct PutPageResult {
  1: required Page page
  /** The content differs from the row's: a new version. */
  2: required bool content_changed
  /** The record differs: what revisits and events count as a change. */
  3: required bool record_changed
} (python.immutable = "")

/** 304, or content as before: move last_seen. */
struct TouchPageRequest {
  1: required context.Context context
  2: required fetcher.FetchResult fetched
  3: optional i64 previous_write_ms = 0
} (python.immutable = "")

/** What a newer extractor reads in content that is stored already. */
struct PutRecordRequest {
  1: required context.Context context
  /** The page's own URL; aliases aren't followed. */
  2: required string url
  /** Of the content that was read: of another, nothing is written. */
  3: required binary content_hash
  4: required page.PageRecord record
} (python.immutable = "")

struct PutRecordResult {
  /** The row's page after the call. */
  1: required Page page
  /** False: its record was this one but for the extractor's version, or its content is another by now. */
  2: required bool written
  /** The record hash differs: there is something to publish and to link anew. */
  3: required bool record_changed
} (python.immutable = "")

struct PutOutcomeRequest {
  1: required context.Context context
  /** Request form of the URL that the outcome befell. */
  2: required string url
  3: required Outcome outcome
  /** Hops that led here: each becomes an alias at once. */
  4: optional list<fetcher.Hop> (python.immutable = "") chain = []
  /** The URL itself answered (it redirects no more): its alias goes. */
  5: optional bool answered = 0
  6: required i64 began_ms
} (python.immutable = "")

struct LookupRequest {
  1: required context.Context context
  /** As given. */
  2: required string url
} (python.immutable = "")

/** A claim and whether it holds: the target was fetched, names itself or nothing, its title and text match. */
struct ClaimVerdict {
  /** header, tag, og. */
  1: required string source
  2: required string url
  3: required bool holds
  4: required string why
} (python.immutable = "")

struct LookupResult {
  /** The row that the URL leads to, its own or the last alias's; absent = nothing stored. */
  1: optional UrlRow row
  /** URLs followed, the asked one first, the row's own excluded. */
  2: required list<string> (python.immutable = "") aliases
  /** The aliases form a circle or exceed ten. */
  3: required bool cycle
  /** Where the page lives: the target of the claim that holds, else the row's URL. */
  4: required string canonical
  5: required list<ClaimVerdict> (python.immutable = "") claims
  6: required string normalized
  7: required binary key
} (python.immutable = "")

struct ContentRequest {
  1: required context.Context context
  2: required string url
} (python.immutable = "")

struct Content {
  1: required binary content
  2: required string media_type
  3: required binary content_hash
  4: required i64 version
} (python.immutable = "")

struct OutlinksRequest {
  1: required context.Context context
  2: required string url
} (python.immutable = "")

struct LinkPagesRequest {
  1: required context.Context context
  /** At most 256 stored pages, each by its own URL. */
  2: required list<string> (python.immutable = "") urls
} (python.immutable = "")

struct LinkPagesResult {
  /** Pages whose inlinks were written; the others were linked already, or have none. */
  1: required i32 linked
} (python.immutable = "")

struct InlinksRequest {
  1: required context.Context context
  2: required string url
  /** From the last answer; empty = from the start. */
  3: optional binary continuation = ""
  /** At most 1,000 inlinks an answer. */
  4: optional i32 limit = 100
  /** Those of the URL itself alone: no alias followed, none united. */
  5: optional bool own = 0
} (python.immutable = "")

struct InlinksResult {
  /** In the order of the sources' URL keys, each source once. */
  1: required list<Inlink> (python.immutable = "") inlinks
  /** Empty = the end. */
  2: required binary continuation
} (python.immutable = "")

/** A value that a team or pipeline keeps on a URL, in its own namespace. */
struct Attribute {
  /** Lower case letters, digits, underscore; at most 64. */
  1: required string attribute_namespace
  2: required string name
  /** The writer's schema version. */
  3: required i32 version
  /** At most 1 MiB. */
  4: required binary value
  /** Write time, ms since 1970: the later one stays. */
  5: required i64 write_ms
} (python.immutable = "")

struct PutAttributesRequest {
  1: required context.Context context
  2: required string url
  3: required list<Attribute> (python.immutable = "") attributes
} (python.immutable = "")

struct GetAttributesRequest {
  1: required context.Context context
  2: required string url
  /** Empty = all. */
  3: optional string attribute_namespace = ""
} (python.immutable = "")

struct ScanRequest {
  1: required context.Context context
  /** From the last answer; empty = from the start. */
  2: optional binary continuation = ""
  /** At most 1,000 rows an answer. */
  3: optional i32 limit = 100
} (python.immutable = "")

struct ScanResult {
  /** In the order of the backend, each row once. */
  1: required list<UrlRow> (python.immutable = "") rows
  /** Empty = the end. */
  2: required binary continuation
} (python.immutable = "")

struct MissingRequest {
  1: required context.Context context
  /** URL keys, at most 1,000. */
  2: required list<binary> (python.immutable = "") keys
} (python.immutable = "")

struct DueRequest {
  1: required context.Context context
  /** UTC, ms since 1970. */
  2: required i64 until_ms
  /** From the last answer; empty = from the start. */
  3: optional binary continuation = ""
  /** About as many index entries an answer, at most 1,000; fewer pages where some turn out not to be due. */
  4: optional i32 limit = 1000
} (python.immutable = "")

struct DuePage {
  1: required string url
  /** When it is to be visited again: UTC, ms since 1970. */
  2: required i64 due_ms
} (python.immutable = "")

struct DueResult {
  1: required list<DuePage> (python.immutable = "") pages
  /** Empty = the end. */
  2: required binary continuation
  /** With the end: not later than the next page behind until_ms is due; absent = there is none. */
  3: optional i64 soonest_ms
} (python.immutable = "")

service UrlStore {
  /** Store a page: content first, the row that points at it last. Repeated, it ends the same. */
  PutPageResult put_page(1: PutPageRequest request) throws (1: context.Failure failure)
  /** Move last_seen of a page that answered 304; NotFound where the page, or its content, is lost. */
  Page touch_page(1: TouchPageRequest request) throws (1: context.Failure failure)
  /** Another record of the same page version; NotFound where there is no page. Repeated, it ends the same. */
  PutRecordResult put_record(1: PutRecordRequest request) throws (1: context.Failure failure)
  /** Record how a visit ended that brought no page. The stored page stays. */
  void put_outcome(1: PutOutcomeRequest request) throws (1: context.Failure failure)
  /** What is known of a URL, at most ten aliases followed. */
  LookupResult lookup(1: LookupRequest request) throws (1: context.Failure failure)
  /** The decoded content of the current version; NotFound where none is kept. */
  Content get_content(1: ContentRequest request) throws (1: context.Failure failure)
  /** The outlinks of the current version, in document order. */
  list<page.Link> (python.immutable = "") outlinks(1: OutlinksRequest request) throws (1: context.Failure failure)
  /** Bring the inlinks of the pages' targets in line with the pages' current outlinks. Repeated, it ends the same. */
  LinkPagesResult link_pages(1: LinkPagesRequest request) throws (1: context.Failure failure)
  /** Who links to the page that the URL leads to, by its own URL or by an alias's, page by page. */
  InlinksResult inlinks(1: InlinksRequest request) throws (1: context.Failure failure)
  void put_attributes(1: PutAttributesRequest request) throws (1: context.Failure failure)
  list<Attribute> (python.immutable = "") get_attributes(1: GetAttributesRequest request) throws (1: context.Failure failure)
  /** The pages to visit again until a time, as far as their rows say so, found by an index; no row is scanned. */
  DueResult due(1: DueRequest request) throws (1: context.Failure failure)
  /** Which of the URLs have neither a page nor a redirect here. */
  list<binary> (python.immutable = "") missing(1: MissingRequest request) throws (1: context.Failure failure)
  /** Every row, page by page. */
  ScanResult scan(1: ScanRequest request) throws (1: context.Failure failure)
}
