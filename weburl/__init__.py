"""URLs, without I/O: parse, request form, normalized form, URL key, origin, registrable domain.

Four forms, each made from the one before: *raw* (as given), *parsed* (WHATWG, exactly), *request form* (as
sent: http or https, no fragment, no userinfo), *normalized* (the key form). Every function takes any of the earlier
forms, raises only `InvalidUrl` on bad input, and is safe on hostile text: `MAX_LENGTH` bounds it.
"""

from weburl.domain import registrable_domain
from weburl.host_form import deciding_form
from weburl.key import KEY_BYTES, KEY_VERSION, key_hex, key_of_form, url_key
from weburl.parser import MAX_LENGTH, host_to_ascii, parse
from weburl.url import Url, deciding_origin, domain_of, host, join, joiner, normalize, origin, request_form, split

__all__ = [
    "KEY_BYTES",
    "KEY_VERSION",
    "MAX_LENGTH",
    "Url",
    "deciding_form",
    "deciding_origin",
    "domain_of",
    "host",
    "host_to_ascii",
    "join",
    "joiner",
    "key_hex",
    "key_of_form",
    "normalize",
    "origin",
    "parse",
    "registrable_domain",
    "request_form",
    "split",
    "url_key",
]
