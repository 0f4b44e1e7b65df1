"""Keys of earlier versions: `aragog store rekey` finds stored URLs under them. Pure.

Version 1 sorted the parameters of a query as whole texts, so that URLs which differ in the order of equal names shared
a key. Its parser also left dot segments after a segment that begins with a dot: so a stored text is taken as a request
form as it is, in addition to its parsed form of today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from thrift_idl.errors import InvalidUrl, StoreTooNew, StoreTooOld
from weburl.key import KEY_VERSION, hashed
from weburl.url import by_name, normalize, normalized_form, request_form

_ORDERS: Mapping[int, Callable[[Iterable[str]], list[str]]] = {1: sorted, 2: by_name}


def earlier_keys(url: str, version: int) -> tuple[bytes, ...]:
    """The keys that `version` may have given to a stored or queued URL; none for text that is no URL."""
    keys = (_key(form, version) for form in dict.fromkeys((url, _form(url))))
    return tuple(dict.fromkeys(key for key in keys if key is not None))


def has_shared_a_key(url: str) -> bool:
    """True if an earlier version gave this URL's key to other URLs as well. Raises `InvalidUrl`."""
    if "&" not in url:
        return False
    _, _, query = normalize(url).partition("?")
    names = [parameter.partition("=")[0] for parameter in query.split("&")]
    return len(set(names)) < len(names)


def check_key_version(stored: int, store: str) -> None:
    """Raise `StoreTooOld` or `StoreTooNew` if the keys of a store aren't those of this Aragog."""
    check_not_newer(stored, store)
    if stored < KEY_VERSION:
        raise StoreTooOld(
            f"{store} has URL keys of version {stored}, this Aragog makes version {KEY_VERSION}:"
            " stop what uses it, then run `aragog store rekey` (nothing is fetched again)",
            stored=str(stored),
            known=str(KEY_VERSION),
        )


def check_not_newer(stored: int, store: str) -> None:
    """Raise `StoreTooNew` if the keys of a store are of a version that this Aragog doesn't know."""
    if stored > KEY_VERSION:
        raise StoreTooNew(f"{store} has URL keys of version {stored}, this Aragog knows {KEY_VERSION}: upgrade Aragog")


def _key(form: str, version: int) -> bytes | None:
    """The key of a text as it is; None if it is no request form."""
    try:
        return hashed(normalized_form(form, _ORDERS[version])) if form.isascii() else None
    except (ValueError, InvalidUrl):
        return None


def _form(url: str) -> str:
    try:
        return request_form(url)
    except InvalidUrl:
        return url
