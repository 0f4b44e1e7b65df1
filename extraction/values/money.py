"""Decimals, currencies, product codes."""

from __future__ import annotations

import re
from typing import Any

_NUMBER = re.compile(r"(?<![\w.,])-?\d[\d.,'’\u00a0\u202f ]{0,24}")
_GROUPED = re.compile(r"\d{1,3}(?:[,.'’ ]\d{3})+")
_CURRENCY_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
    VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG HRK
    """
_CURRENCIES = frozenset(_CURRENCY_CODES.split())
# Signs that mean one currency. A dollar, a yen sign or a krona could be several.
_SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₪": "ILS", "₫": "VND", "₴": "UAH",
    "฿": "THB", "₱": "PHP", "₦": "NGN", "zł": "PLN", "R$": "BRL", "US$": "USD", "A$": "AUD", "C$": "CAD", "NZ$": "NZD",
    "HK$": "HKD", "EURO": "EUR", "EUROS": "EUR", "GBP": "GBP",
}  # fmt: skip
_AVAILABILITY_NAMES = """
    InStock OutOfStock PreOrder PreSale BackOrder SoldOut Discontinued InStoreOnly OnlineOnly LimitedAvailability
    MadeToOrder Reserved
"""
_AVAILABILITIES = {
    name.lower(): name
    for name in _AVAILABILITY_NAMES.split()
} | {"oos": "OutOfStock", "available": "InStock", "availablefororder": "BackOrder", "pending": "PreOrder",
     "unavailable": "OutOfStock", "true": "InStock", "false": "OutOfStock", "availableonline": "InStock",
     "notinstock": "OutOfStock"}  # fmt: skip


def decimal(value: Any) -> str:
    """A number with a point and no grouping: `1.299,00 €` is `1299.00`. An ambiguous text is the larger number:
    `1,299` has no fraction.
    """
    if isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        text = f"{value:.10f}".rstrip("0").rstrip(".") if "e" in repr(value) else repr(value)
        return text if text[-1:].isdigit() else ""
    found = _NUMBER.search(value[:200]) if isinstance(value, str) else None
    return _pointed(found[0].rstrip(" .,'’\u00a0\u202f")) if found else ""


def _pointed(text: str) -> str:
    text = text.translate({0xA0: " ", 0x202F: " "})
    sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text)
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0 or (_GROUPED.fullmatch(digits) and not _is_fraction(digits, last)):
        return sign + re.sub(r"\D", "", digits)
    return f"{sign}{re.sub(r'[^0-9]', '', digits[:last])}.{re.sub(r'[^0-9]', '', digits[last + 1 :])}"


def _is_fraction(digits: str, last: int) -> bool:
    """True if the mark begins a fraction: the point of `1.299` does, as in JSON. The comma of `1,299`, or a repeated
    mark, groups."""
    return digits[last] == "." and digits.count(".") == 1


def currency(value: Any) -> str:
    """An ISO 4217 code."""
    if not isinstance(value, str):
        return ""
    text = value.strip()[:16]
    return text.upper() if text.upper() in _CURRENCIES else _SIGNS.get(text, _SIGNS.get(text.upper(), ""))


def currency_in(price: Any) -> str:
    """The currency whose sign or code stands beside a price."""
    if not isinstance(price, str):
        return ""
    marks = re.split(r"[\d.,'’\s\u00a0-]+", price[:64])
    return next((code for code in map(currency, marks) if code), "")


def availability(value: Any) -> str:
    """A name of schema.org's ItemAvailability, in any spelling."""
    if not isinstance(value, str):
        return ""
    return _AVAILABILITIES.get(re.sub(r"[^a-z]", "", value[:128].rpartition("/")[2].rpartition("#")[2].lower()), "")


def condition(value: Any) -> str:
    """A name of schema.org's OfferItemCondition."""
    word = value[:128].rpartition("/")[2].lower() if isinstance(value, str) else ""
    for name in ("New", "Used", "Refurbished", "Damaged"):
        if word.strip() in (name.lower(), f"{name.lower()}condition"):
            return f"{name}Condition"
    return ""


def gtin(value: Any) -> str:
    """8, 12, 13 or 14 digits whose check digit is right (https://www.gs1.org/services/how-calculate-check-digit-manually)."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    digits = re.sub(r"[\s-]", "", text[:40]).removeprefix("gtin:").removeprefix("isbn:")
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (8, 12, 13, 14):
        return ""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return digits if total % 10 == 0 and int(digits) else ""


def degrees(value: Any, most: int) -> str:
    """A decimal within `most` degrees of 0."""
    text = str(value).strip()[:32].replace(",", ".") if isinstance(value, str | int | float) else ""
    try:
        return text if re.fullmatch(r"[+-]?\d{1,3}(\.\d+)?", text) and abs(float(text)) <= most else ""
    except ValueError:
        return ""
