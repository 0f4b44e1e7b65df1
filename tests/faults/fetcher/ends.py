"""The end of a fetch of each of testweb's faults: "ok" with the flags, or the error's code. No other is allowed."""

from __future__ import annotations

from testweb.faults import HTTP_FAULTS, TLS_FAULTS

DEADLINE_MS = 4_000
STEP_MS = 1_500
"""Connect, first byte, silence: shorter than the real ones, long enough for a busy machine."""

_ENDS = {
    "ok": """page late twice length-short length-huge length-and-chunked length-none header-bytes interim-many
        coding-gzip-padded redirect-page redirect-meta tls:good tls:tls12 tls:cbc""",
    "ok early_close": "reset reset-chunk length-long chunk-overrun chunk-unfinished chunk-no-last chunk-tiny",
    "ok truncated": """endless endless-chunked bomb-gzip bomb-deflate bomb-br bomb-zstd bomb-gzip-gzip bomb-zstd-br-gzip
        bomb-gzip-deflate-br-zstd-gzip coding-gzip-cut""",
    "bad_reply": """reset-head length-negative length-word length-two close-amid-head chunk-size chunk-size-huge
        chunk-size-negative chunk-extensions chunk-trailers coding-unknown status-none status-word status-short
        status-long status-zero status-999 status-http2 status-other-protocol status-endless http09 binary ssh switching
        headers-many headers-long headers-endless header-nul header-name-nul header-no-colon interim-endless locations
        coding-gzip-wrong coding-br-wrong coding-zstd-wrong coding-gzip-damaged coding-stacked-six coding-snail""",
    "timeout": """silent loris loris-lines loris-status stall stall-head stall-chunk trickle
        tls:silent tls:stalls tls:endless""",
    "connect_failure": "reset-after-head reset-at-once close-after-head close-at-once",
    "tls_failure": """tls:expired tls:early tls:wrong-host tls:self-signed tls:untrusted tls:weak-key tls:sha1
        tls:tls10 tls:tls11 tls:no-cipher tls:anonymous tls:plain tls:closes tls:resets tls:rubbish""",
    "http_status": "endless-404 404 410 redirect-empty redirect-split",
    "server_error": "408 500",
    "too_many_redirects": """redirect-loop redirect-circle redirect-maze redirect-hosts redirect-meta-loop
        redirect-meta-back redirect-fragment""",
    "address_denied": "redirect-metadata redirect-localhost redirect-port",
    "invalid_url": "redirect-file redirect-script redirect-data redirect-rubbish redirect-huge",
}
EXPECTED: dict[str, str] = {name: end for end, names in _ENDS.items() for name in names.split()}
EXPECTED |= {name: "retry_after" for name in HTTP_FAULTS if name.startswith(("429-", "503-"))}
FAULTS = [*HTTP_FAULTS, *(f"tls:{name}" for name in TLS_FAULTS)]

DAY_MS = 86_400_000
DEFAULT_MS = 60_000
#: By how much each form of Retry-After defers.
RETRY_MS = {
    "none": DEFAULT_MS,
    "seconds": 30_000,
    "zero": 1_000,
    "negative": DEFAULT_MS,
    "fraction": DEFAULT_MS,
    "huge": DAY_MS,
    "date": DAY_MS,
    "past-date": 1_000,
    "old-date": 1_000,
    "year-10000": DEFAULT_MS,
    "rubbish": DEFAULT_MS,
    "bytes": DEFAULT_MS,
    "long": DEFAULT_MS,
    "empty": DEFAULT_MS,
    "two": 5_000,
}
