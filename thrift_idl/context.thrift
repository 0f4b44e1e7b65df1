/**
 * What every request and every error of ours carries.
 *
 * Structs are immutable: the compiler's slots make them frozen and hashable in Python.
 * Exceptions are not: raising writes to them.
 */
namespace py thrift_idl.gen.context

/** Who asks, for whom, and how long they will wait. The first field of every request. */
struct Context {
  /** The calling product or component: concurrency caps, metrics and logs are kept per source. */
  1: required string source
  /** Names one request through all services and logs. */
  2: optional string request_id = ""
  /** Time left to the caller, in milliseconds, at the moment of sending; absent = the server's own bound. */
  3: optional i64 remaining_ms
} (python.immutable = "")

/** The one wire exception: a node of the error tree (thrift_idl/errors.py). An unknown code becomes its family. */
exception Failure {
  1: required string family
  2: required string code
  3: required string message
  /** Milliseconds after which to try again. */
  4: optional i64 delay_ms
  5: optional map<string, string> details = {}
} (python.immutable = "false")
