"""The request form and the parts of a URL.

Everything here slices the parsed text: the serialisation of an http(s) URL is
`scheme://[userinfo@]host[:port]/path[?query][#fragment]`, with every other use of those delimiters escaped
(https://url.spec.whatwg.org/#url-serializing), so that no second parser can read it differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from thrift_idl.errors import InvalidUrl
from weburl.domain import registrable_domain
from weburl.host_form import deciding_form
from weburl.parser import HTTP, MAX_LENGTH, is_plain, parse, sure_base

GROWTH = 3
"""The factor by which the normalized form may be longer than the request form: one character becomes one escape."""

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986 2.3
# Escapes in upper case of characters that are not unreserved stay: a URL may have 2,700 of them.
_STAYS = "[01][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF]|[89A-F][0-9A-F]"
_TO_MEND = re.compile(rf"%(?!{_STAYS})(?:[0-9A-Fa-f]{{2}})?|[^%A-Za-z0-9\-._~:/?@!$&'()*+,;=]")


def _mended_escapes() -> dict[str, str]:
    """Each spelling of an escape -> the normalized one."""
    ways = {}
    for byte in range(256):
        normal = chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}"
        high, low = f"{byte >> 4:x}", f"{byte & 15:x}"
        ways.update({f"%{h}{w}": normal for h in (high, high.upper()) for w in (low, low.upper())})
    return ways


_MENDED = {chr(byte): f"%{byte:02X}" for byte in range(128)} | _mended_escapes()


def by_name(parameters: Iterable[str]) -> list[str]:
    """Parameters in the order of their names; those of equal names keep their order: a server may distinguish them."""
    return sorted(parameters, key=_name)


def _name(parameter: str) -> str:
    return parameter.partition("=")[0]


def normalized_form(form: str, in_order: Callable[[Iterable[str]], list[str]] = by_name) -> str:
    """The key form of a request form, which isn't parsed again.

    `in_order` sorts the parameters of the query: earlier versions of the key sorted differently. Raises
    `InvalidUrl` if it exceeds `MAX_LENGTH`: `request_form` returns no such form.
    """
    path_at = form.index("/", len("http://") + 1)
    origin, target = form[:path_at], form[path_at:]
    if _TO_MEND.search(target):
        target = _TO_MEND.sub(lambda found: _MENDED[found[0]], target)
    if "?" in target:
        target = _with_query_in_order(target, in_order)
    if origin.endswith(".") or ".:" in origin:
        origin = _without_trailing_dot(origin)
    if len(origin) + len(target) > MAX_LENGTH:
        raise InvalidUrl(f"the normalized URL is longer than {MAX_LENGTH} characters", url=form[:200])
    return origin + target


def _with_query_in_order(target: str, in_order: Callable[[Iterable[str]], list[str]]) -> str:
    path, _, query = target.partition("?")
    if "&" in query:
        query = "&".join(in_order(filter(None, query.split("&"))))
    return f"{path}?{query}" if query else path


def _without_trailing_dot(origin: str) -> str:
    """`origin` without the root label's dot; `a..` names nothing in the DNS and stays."""
    return re.sub(r"(?<=[^./])\.(?=(?::\d+)?\Z)", "", origin)


_DEFAULT_PORTS = {"http": 80, "https": 443}
_AFTER_SCHEME = len("http://") + 1  # no host is empty, so the path's slash is no earlier than this
_AS_THEY_ARE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?@!$&'()*+,;=%"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SURELY_KEYED = MAX_LENGTH // GROWTH  # the normalized form of a URL no longer than this is within the limit


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of one request form, from one parse."""

    request_form: str
    scheme: str
    """`http` or `https`."""
    host: str
    """Lower case ASCII; IPv6 in brackets; a trailing dot stays."""
    port: int
    """As given, or the scheme's."""
    target: str
    """Path and query: the target of the request line (RFC 9112 3.2.1)."""

    @property
    def origin(self) -> str:
        """Scheme, host, and port unless it is the scheme's: the scope of robots.txt (RFC 6454)."""
        return self.request_form[: len(self.request_form) - len(self.target)]

    @property
    def registrable_domain(self) -> str:
        """The politeness key of this URL's host."""
        return registrable_domain(self.host)


def request_form(raw: str, base: str | None = None) -> str:
    """The form that we send: parsed, no fragment, no userinfo, query order kept.

    Raises `InvalidUrl`, also for other schemes, and for a URL whose normalized form is too long: every request
    form has a URL key.
    """
    href = parse(raw, base)
    if not href.startswith(HTTP):
        scheme = href[:32].partition(":")[0]
        raise InvalidUrl(f"scheme {scheme!r} is neither http nor https", scheme=scheme)
    if "#" in href:
        href = href.partition("#")[0]
    return _with_a_key(_without_userinfo(href) if "@" in href else href)


def join(base: str, href: str) -> str:
    """The request form of a link on a page whose base URL is `base`. Raises `InvalidUrl`, also for mailto: and such."""
    return request_form(href, base)


def joiner(base: str) -> Callable[[str], str]:
    """`join` on one base, for the many links of a page: the usual ones in half the time. It raises `InvalidUrl`."""
    try:
        parsed = sure_base(base)
    except InvalidUrl:  # `join` raises for each link
        parsed = None

    def joined(href: str) -> str:
        if parsed is None or not is_plain(href) or len(href) > MAX_LENGTH:
            return join(base, href)
        try:
            form: str = (parsed + href).href
        except ValueError:
            return join(base, href)
        is_usual = form.startswith(HTTP) and "#" not in form and "@" not in form and "xn--" not in form
        return form if is_usual and len(form) <= _SURELY_KEYED else join(base, href)

    return joined


def split(raw: str, base: str | None = None) -> Url:
    """The request form of `raw` and its parts. Raises `InvalidUrl`."""
    form = request_form(raw, base)
    path = form.index("/", _AFTER_SCHEME)
    scheme, _, authority = form[:path].partition("://")
    name, port = _host_and_port(authority)
    return Url(form, scheme, name, _DEFAULT_PORTS[scheme] if port is None else port, form[path:])


def origin(raw: str) -> str:
    """Scheme, host, and port unless it is the scheme's. Raises `InvalidUrl`."""
    form = request_form(raw)
    return form[: form.index("/", _AFTER_SCHEME)]


def deciding_origin(url: Url) -> str:
    """The origin of `url` with the deciding form of its host: `http://h.:81/` and `http://h:81/` are one."""
    form = deciding_form(url.host)
    if form == url.host:
        return url.origin
    authority = len(url.scheme) + len("://")
    return url.origin[:authority] + form + url.origin[authority + len(url.host) :]


def host(raw: str) -> str:
    """Host of `raw`: lower case ASCII, IPv6 in brackets. Raises `InvalidUrl`."""
    return _host_and_port(origin(raw).partition("://")[2])[0]


def normalize(raw: str, base: str | None = None) -> str:
    """The key form of `raw` (weburl/url.py); `normalize(normalize(x)) == normalize(x)`. Raises `InvalidUrl`."""
    return normalized_form(request_form(raw, base))


def _with_a_key(form: str) -> str:
    """`form`, if it has a normalized form. Raises `InvalidUrl`."""
    if len(form) > _SURELY_KEYED and len(form) + (GROWTH - 1) * _growing(form) > MAX_LENGTH:
        normalized_form(form)
    return form


def _growing(form: str) -> int:
    """At least the number of characters that the normalized form escapes: a tenth of the cost of that form."""
    return len(form.encode().translate(None, _AS_THEY_ARE)) + len(_STRAY_PERCENT.findall(form))


def _without_userinfo(href: str) -> str:
    start = href.index("://") + len("://")
    at = href.rfind("@", start, href.index("/", start))
    return href if at < 0 else href[:start] + href[at + 1 :]


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if authority.endswith("]"):
        return authority, None
    name, colon, port = authority.rpartition(":")
    return (name, int(port)) if colon else (authority, None)


def domain_of(url: str) -> str:
    """The registrable domain of a URL; "" for an invalid one."""
    try:
        return split(url).registrable_domain
    except InvalidUrl:
        return ""
