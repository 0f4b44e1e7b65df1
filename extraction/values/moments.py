"""Dates and durations in ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

_LONGEST = 64
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])|(\d{4})")
_MOMENT = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})(?:T|\s+|\s*T\s*)(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(?:(Z|UTC|GMT)|([+-])(\d{1,2}):?(\d{2})?)?",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:[a-z]{3,9},?\s+)?(?:(\d{1,2})(?:st|nd|rd|th)?\.?\s+([a-z]{3,9})\.?,?|([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?)"
    r"\s+(\d{4})\b",
    re.IGNORECASE,
)
_MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES.split(), 1)}
_DURATION = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5}(?:[.,]\d{1,9})?)D)?"
    r"(?:T?(?:(\d{1,6}(?:[.,]\d{1,9})?)H)?(?:(\d{1,7}(?:[.,]\d{1,9})?)M)?(?:(\d{1,9}(?:[.,]\d{1,9})?)S)?)?",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"(\d{1,5}(?:[.,]\d{1,3})?)\s*(d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])\.?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d))?")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def moment(value: Any) -> str:
    """A date or a date with its time, with the original precision: `2024-05-01`, `2024-05-01T10:00:00+02:00`, `2024`.

    Numbers that could be a month or a day are not converted: 05/01/2024 is no date.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()[:_LONGEST]
    try:
        return _epoch(text) or _moment(text) or _day(text) or _named(text) or _mail(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return ""


def _moment(text: str) -> str:
    found = _MOMENT.match(text)
    if found is None:
        return ""
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    zone = None
    if found[7]:
        zone = UTC
    elif found[8]:
        away = timedelta(hours=int(found[9]), minutes=int(found[10] or 0))
        zone = timezone(-away if found[8] == "-" else away)
    return datetime(year, month, day, hour, minute, second, tzinfo=zone).isoformat()


def _day(text: str) -> str:
    if found := _DAY.match(text):
        return date(*map(int, found.groups())).isoformat()
    return text if _MONTH.fullmatch(text) and int(text[:4]) else ""


def _named(text: str) -> str:
    found = _NAMED.match(text)
    if found is None or ":" in text:
        return ""
    month = _MONTHS.get((found[2] or found[3])[:3].lower())
    return date(int(found[5]), month, int(found[1] or found[4])).isoformat() if month else ""


def _mail(text: str) -> str:
    """A date as RFC 5322 writes it: Sat, 01 Jan 2028 10:00:00 GMT."""
    return parsedate_to_datetime(text).isoformat() if ":" in text else ""


def _epoch(text: str) -> str:
    if not text.isdigit() or len(text) not in (10, 13):
        return ""
    return datetime.fromtimestamp(int(text[:10]), UTC).isoformat()


def duration(value: Any) -> str:
    """An ISO 8601 duration in its shortest form: `PT2H30M` for `P0DT1H90M`, `PT0S` for none."""
    if isinstance(value, bool) or not isinstance(value, str):
        return ""
    text = value.strip().replace(" ", "") if value[:3].strip()[:1] in ("P", "p") else value.strip()
    if len(text) > _LONGEST:
        return ""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return _spoken(text)
    years, months, weeks, days, hours, minutes, seconds = (
        float((part or "0").replace(",", ".")) for part in found.groups()
    )
    if years or months:
        return text.upper()
    return _iso(weeks * 604_800 + days * 86_400 + hours * 3_600 + minutes * 60 + seconds)


def _spoken(text: str) -> str:
    """`1 hour 30 minutes`, `45 min`, `1:30` (hours and minutes)."""
    if found := _CLOCK.fullmatch(text):
        return _iso(int(found[1]) * 3_600 + int(found[2]) * 60 + int(found[3] or 0))
    parts = _SPOKEN.findall(text)
    if not parts or _SPOKEN.sub("", text).strip(" ,&and+").strip():
        return ""
    return _iso(sum(float(number.replace(",", ".")) * _SECONDS[unit[0].lower()] for number, unit in parts))


def duration_of_seconds(value: Any) -> str:
    """The duration of a whole number of seconds, as OpenGraph's video:duration."""
    text = str(value).strip()
    return _iso(int(text)) if text.isdigit() and len(text) < 8 else duration(value)


def _iso(seconds: float) -> str:
    whole = round(seconds)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if number)
    if not whole:
        return "PT0S"
    return f"P{f'{days}D' if days else ''}{f'T{time}' if time else ''}"
