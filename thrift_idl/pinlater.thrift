/**
 * SCHEDULE: jobs that run later, again, or never. Wire-compatible with Pinterest's PinLater: names, field ids,
 * types and defaults are theirs. Ours are the fields from 100 on, which are optional and ignored by their clients, and
 * the last three methods of the service.
 */
namespace py thrift_idl.gen.pinlater

const string CONTINUATION_START = "0"
const string CONTINUATION_END = "-1"

enum PinLaterJobState {
  PENDING = 0
  IN_PROGRESS = 1
  SUCCEEDED = 2
  FAILED = 3
}

enum ErrorCode {
  CONTINUATION_INVALID = 400
  PASSWORD_INVALID = 403
  QUEUE_NAME_INVALID = 410
  QUEUE_NAME_TOO_LONG = 411
  QUEUE_NOT_FOUND = 413
  PRIORITY_NOT_SUPPORTED = 416
  DEQUEUE_RATE_LIMITED = 429
  ENQUEUE_REJECTED = 430
  UNKNOWN = 500
  NO_HEALTHY_SHARDS = 501
  SHARD_CONNECTION_FAILED = 502
}

exception PinLaterException {
  1: required ErrorCode errorCode
  2: required string message
} (python.immutable = "false")

struct RequestContext {
  1: required string source
  2: optional string requestId = ""
} (python.immutable = "")

struct PinLaterJob {
  1: required binary body
  2: optional byte priority = 1
  3: optional i64 runAfterTimestampMillis
  4: optional i32 numAttemptsAllowed = 2
  5: optional string customStatus = ""
} (python.immutable = "")

struct PinLaterEnqueueRequest {
  1: required string queueName
  2: required list<PinLaterJob> (python.immutable = "") jobs
} (python.immutable = "")

struct PinLaterEnqueueResponse {
  1: required list<string> (python.immutable = "") jobDescriptors
} (python.immutable = "")

struct PinLaterJobAckInfo {
  1: required string jobDescriptor
  2: optional string appendCustomStatus = ""
  3: optional i64 retryDelayMillis = 0
  /** The claim that is acked; where present, a claim that moved on makes this a counted no-op. */
  100: optional string claimDescriptor
} (python.immutable = "")

struct PinLaterJobAckRequest {
  1: required string queueName
  2: optional list<PinLaterJobAckInfo> (python.immutable = "") jobsSucceeded
  3: optional list<PinLaterJobAckInfo> (python.immutable = "") jobsFailed
} (python.immutable = "")

struct PinLaterDequeueRequest {
  1: required string queueName
  2: required i32 limit
  3: optional PinLaterJobAckRequest jobAckRequest
  4: optional bool dryRun = 0
  5: optional double coverage = 1.0
} (python.immutable = "")

struct PinLaterDequeueMetadata {
  1: optional i32 attemptsAllowed
  2: optional i32 attemptsRemaining
  /** Names this claim for acks and checkpoints. */
  100: optional string claimDescriptor
} (python.immutable = "")

struct PinLaterDequeueResponse {
  1: optional map<string, binary> (python.immutable = "") jobs
  2: optional map<string, PinLaterDequeueMetadata> (python.immutable = "") jobMetadata
} (python.immutable = "")

struct PinLaterCheckpointJobRequest {
  1: required string jobDescriptor
  2: optional string newBody
  3: optional bool moveToPending = 0
  4: optional i64 runAfterTimestampMillis
  5: optional i32 numOfAttemptsAllowed
  6: optional string prependCustomStatus
  /** As in PinLaterJobAckInfo. */
  100: optional string claimDescriptor
} (python.immutable = "")

struct PinLaterCheckpointJobsRequest {
  1: required string queueName
  2: required list<PinLaterCheckpointJobRequest> (python.immutable = "") requests
} (python.immutable = "")

struct PinLaterLookupJobRequest {
  1: required list<string> (python.immutable = "") jobDescriptors
  2: optional bool includeBody = 0
} (python.immutable = "")

struct PinLaterJobInfo {
  1: required string jobDescriptor
  2: required PinLaterJobState jobState
  3: required i32 attemptsRemaining
  4: required string customStatus
  5: required i64 createdAtTimestampMillis
  6: optional i64 runAfterTimestampMillis
  7: optional i64 updatedAtTimestampMillis
  8: optional string claimDescriptor
  9: optional binary body
  10: required i32 attemptsAllowed
} (python.immutable = "")

struct PinLaterGetJobCountRequest {
  1: required string queueName
  2: required PinLaterJobState jobState
  3: optional byte priority
  4: optional bool countFutureJobs = 0
  5: optional string bodyRegexToMatch
} (python.immutable = "")

struct PinLaterScanJobsRequest {
  1: required string queueName
  2: required PinLaterJobState jobState
  3: optional byte priority
  4: optional bool scanFutureJobs = 0
  5: optional string continuation = "0"
  6: optional i32 limit = 100
  7: optional string bodyRegexToMatch
  /** Answer with the jobs of the shards that answer and name the others, instead of refusing. */
  100: optional bool allowMissingShards = 0
} (python.immutable = "")

struct PinLaterScanJobsResponse {
  1: required list<PinLaterJobInfo> (python.immutable = "") scannedJobs
  2: optional string continuation = "-1"
  /** Shards whose jobs are not among them; only where the request allows it. */
  100: optional list<string> (python.immutable = "") missingShards
} (python.immutable = "")

struct PinLaterRetryFailedJobsRequest {
  1: required string queueName
  2: optional byte priority = 1
  3: optional i32 attemptsToAllow = 1
  4: optional i64 runAfterTimestampMillis
  5: optional i32 limit = 1000
  /** Only jobs in whose body this occurs. */
  100: optional string bodyRegexToMatch
} (python.immutable = "")

struct PinLaterDeleteJobsRequest {
  1: required string queueName
  2: required PinLaterJobState jobState
  3: optional byte priority = 1
  4: optional string bodyRegexToMatch
  5: optional i32 limit = 1000
} (python.immutable = "")

/** How a queue stands: jobs of all shards that answer, and what holds it back. */
struct PinLaterQueueStats {
  1: required string queueName
  /** PENDING, and its time has come. */
  2: required i64 ready
  /** PENDING, for later. */
  3: required i64 later
  4: required i64 inProgress
  5: required i64 succeeded
  6: required i64 failed
  /** How long the oldest ready job has been so; absent where none is. */
  7: optional i64 oldestReadyMillis
  /** Whether dequeues are refused: by pauseQueue, or by the server's configuration. */
  8: required bool paused
  /** Jobs a second that may be dequeued over all servers; absent = no bound. */
  9: optional double jobsPerSecond
  /** Jobs that may be claimed at a time; absent = no bound. */
  10: optional i32 claimedAtOnce
} (python.immutable = "")

struct PinLaterQueueStatsRequest {
  /** Absent = every queue. One that doesn't exist is left out of the answer. */
  1: optional list<string> (python.immutable = "") queueNames
} (python.immutable = "")

struct PinLaterQueueStatsResponse {
  1: required list<PinLaterQueueStats> (python.immutable = "") queues
  /** Shards that don't answer: their jobs are not counted. */
  2: required list<string> (python.immutable = "") missingShards
} (python.immutable = "")

service PinLater {
  void createQueue(1: RequestContext context, 2: string name) throws (1: PinLaterException e)
  void deleteQueue(1: RequestContext context, 2: string name, 3: string password) throws (1: PinLaterException e)
  PinLaterEnqueueResponse enqueueJobs(1: RequestContext context, 2: PinLaterEnqueueRequest request) throws (1: PinLaterException e)
  PinLaterDequeueResponse dequeueJobs(1: RequestContext context, 2: PinLaterDequeueRequest request) throws (1: PinLaterException e)
  void ackDequeuedJobs(1: RequestContext context, 2: PinLaterJobAckRequest request) throws (1: PinLaterException e)
  void checkpointJobs(1: RequestContext context, 2: PinLaterCheckpointJobsRequest request) throws (1: PinLaterException e)
  map<string, PinLaterJobInfo> lookupJobs(1: RequestContext context, 2: PinLaterLookupJobRequest request) throws (1: PinLaterException e)
  i32 getJobCount(1: RequestContext context, 2: PinLaterGetJobCountRequest request) throws (1: PinLaterException e)
  set<string> getQueueNames(1: RequestContext context) throws (1: PinLaterException e)
  PinLaterScanJobsResponse scanJobs(1: RequestContext context, 2: PinLaterScanJobsRequest request) throws (1: PinLaterException e)
  i32 retryFailedJobs(1: RequestContext context, 2: PinLaterRetryFailedJobsRequest request) throws (1: PinLaterException e)
  i32 deleteJobs(1: RequestContext context, 2: PinLaterDeleteJobsRequest request) throws (1: PinLaterException e)

  // Ours, beside the contract.

  /**
   * As dequeueJobs, but where no job is ready it waits for one, at most so long (a minute); then it answers with none.
   * Wait for less than the caller's own deadline: a caller that gives up first leaves its job to the claim's time-out.
   */
  PinLaterDequeueResponse dequeueJobsWait(1: RequestContext context, 2: PinLaterDequeueRequest request, 3: i32 maxWaitMillis) throws (1: PinLaterException e)
  PinLaterQueueStatsResponse getQueueStats(1: RequestContext context, 2: PinLaterQueueStatsRequest request) throws (1: PinLaterException e)
  /** Refuse (or allow again) the queue's dequeues on every server; acks, checkpoints and enqueues go on. */
  void pauseQueue(1: RequestContext context, 2: string name, 3: bool paused) throws (1: PinLaterException e)
}
