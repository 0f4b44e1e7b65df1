"""429 and 503 with every form of Retry-After (RFC 9110 10.2.3), and the other error statuses."""

from __future__ import annotations

from testweb.faults.kinds import Fault, page

REASONS = {429: "Too Many Requests", 503: "Service Unavailable"}
FORMS = {
    "none": None,
    "seconds": "30",
    "zero": "0",
    "negative": "-30",
    "fraction": "1.5",
    "huge": "9" * 30,
    "date": "Fri, 31 Dec 2099 23:59:59 GMT",
    "past-date": "Sun, 06 Nov 1994 08:49:37 GMT",
    "old-date": "Sunday, 06-Nov-94 08:49:37 GMT",
    "year-10000": "Fri, 31 Dec 10000 23:59:59 GMT",
    "rubbish": "when I feel like it",
    "bytes": "\xff\xfe",
    "long": "Fri, " * 2000,
    "empty": "",
}


def _patience(status: int, form: str, value: str | None) -> Fault:
    headers = [] if value is None else [f"Retry-After: {value}"]
    tells = f"{status} without Retry-After" if value is None else f"{status}, Retry-After: {value.strip()[:40]!a}"
    return Fault(f"{status}-{form}", tells, page(*headers, status=f"{status} {REASONS[status]}"), stays=True)


PATIENCE_FAULTS = (
    *(_patience(status, form, value) for status in REASONS for form, value in FORMS.items()),
    Fault("503-two", "503 with two Retry-After", page("Retry-After: 5", "Retry-After: x", status="503 x"), stays=True),
    *(
        Fault(str(status), f"status {status}", page(status=f"{status} x"), stays=True)
        for status in (404, 408, 410, 500)
    ),
)
