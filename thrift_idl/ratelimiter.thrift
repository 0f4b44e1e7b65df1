/** RESERVE: when may this domain be fetched next? Only durations cross the wire, never a clock. */
namespace py thrift_idl.gen.ratelimiter

include "context.thrift"

struct Reservation {
  /** Registrable domain. */
  1: required string domain
  2: required string host
  /** From robots.txt; lengthens the interval, never shortens it. */
  3: optional i64 crawl_delay_ms
  /** A slot further away than this is refused. */
  4: optional i64 max_wait_ms = 1000
} (python.immutable = "")

/** What became of one reservation. */
struct Grant {
  /** False: no slot was taken. */
  1: required bool granted
  /** Granted: wait this long, then send. A grant used later than 50 ms after its slot is void. */
  2: required double wait_ms
  /** Refused: come back in this time. */
  3: required double retry_after_ms
  /** Distance of two slots of this domain at present. */
  4: required double interval_ms
  /** Refused because of: no_slot, held, blocked; "" = granted. */
  5: optional string reason = ""
  /** Version of the shard membership that answered; 0 = no shards. */
  6: optional i64 version = 0
  /** Refused for being another shard's domain (reserve_batch; reserve raises NotOwner). */
  7: optional bool not_owner = 0
} (python.immutable = "")

struct ReserveRequest {
  1: required context.Context context
  2: required Reservation reservation
} (python.immutable = "")

struct ReserveBatchRequest {
  1: required context.Context context
  2: required list<Reservation> (python.immutable = "") reservations
} (python.immutable = "")

/** How a request to the domain ended. */
struct FeedbackRequest {
  1: required context.Context context
  2: required string domain
  3: required string host
  /** HTTP status; 0 = no answer. */
  4: required i32 status
  5: optional i64 retry_after_ms
  6: optional double latency_ms = 0
  /** URL key of what was asked; empty = not told. 503 from two URLs within a minute holds the domain. */
  7: optional binary url_key = ""
} (python.immutable = "")

struct StatusRequest {
  1: required context.Context context
  2: required string domain
  /** One of the domain's hosts: what holds for it besides. */
  3: optional string host = ""
} (python.immutable = "")

/** What a candidate override file would have done, beside what the live one did; counted by this limiter. */
struct Shadow {
  /** The limit that the candidate has for the domain asked about. */
  1: required string limit
  2: required double interval_ms
  /** Reservations of all domains, by how they came out: granted at once, granted after a wait, refused. */
  3: required i64 live_at_once
  4: required i64 live_delayed
  5: required i64 live_refused
  6: required i64 at_once
  7: required i64 delayed
  8: required i64 refused
  /** Why the candidate file as it stands is not the one counted; "" = it is. */
  9: optional string error = ""
} (python.immutable = "")

struct DomainStatus {
  1: required string domain
  2: required double interval_ms
  /** Time until the next free slot. */
  3: required double next_slot_ms
  /** Time left of a hold (429, 503) and of a block; 0 = none. */
  4: required double held_ms
  5: required double blocked_ms
  /** The limit that won: default, or the override's name. */
  6: required string limit
  7: optional i64 version = 0
  /** Line of the override file that won, and what its author noted; 0 = the default. */
  8: optional i32 line = 0
  9: optional string note = ""
  /** The host's own limit, where it has one that is lower; "" = none. */
  10: optional string host_limit = ""
  11: optional double host_interval_ms = 0
  12: optional i32 host_line = 0
  /** Status of the answer that holds the domain; 0 = none does. */
  13: optional i32 held_status = 0
  /** How long the next answer of 429 without Retry-After would hold it. */
  14: optional double next_hold_ms = 0
  /** Why the override file as it stands is not in force; "" = it is. */
  15: optional string limits_error = ""
  /** Shadow mode: absent = there is no candidate. */
  16: optional Shadow shadow
} (python.immutable = "")

struct BlockRequest {
  1: required context.Context context
  2: required string domain
  /** 0 lifts the block. */
  3: required i64 for_ms
} (python.immutable = "")

service RateLimiter {
  /** Take the next slot of a domain, or learn when to ask again. Raises NotOwner. */
  Grant reserve(1: ReserveRequest request) throws (1: context.Failure failure)
  /** Many reservations in one call, answered in order. */
  list<Grant> (python.immutable = "") reserve_batch(1: ReserveBatchRequest request) throws (1: context.Failure failure)
  /** Tell how a request ended; 429 and 503 hold the domain for all. */
  void feedback(1: FeedbackRequest request) throws (1: context.Failure failure)
  DomainStatus status(1: StatusRequest request) throws (1: context.Failure failure)
  /** Grant nothing to a domain for a time. */
  void block(1: BlockRequest request) throws (1: context.Failure failure)
}
