"""µs of CPU for each URL: normalize, parse, key, registrable domain: `python -m benchmarks.urls [--urls N]`.

Typical links (already in normal form or nearly), dirty ones (what pages write: spaces, escapes, dot segments, IDNs),
and typical ones relative to their page. Beside ours, where installed: w3lib's canonicalize_url, ada_url, yarl,
url-normalize, tldextract, publicsuffixlist. `pip install yarl url-normalize tldextract` gets those we don't need.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

import weburl
from thrift_idl.errors import InvalidUrl

Call = Callable[[str], object]

TYPICAL = (
    "https://www.example.org/articles/2026/11/tomatoes-{n}",
    "https://shop{n}.example.co.uk/p/{n}?colour=red&size=9",
    "http://example.com/",
    "https://en.example.net/wiki/Spider_(animal)#Legs-{n}",
    "https://news.example.com/index.php?page={n}&sort=date",
    "https://blog.example.io/tag/c%2B%2B/{n}/",
    "https://cdn.example.com/static/js/app.{n}.min.js?v=3",
    "https://user{n}.github.io/project/",
)
DIRTY = (
    "HTTP://WWW.Example.ORG:80/a/./b/../c d?b=2&a={n}#x",
    "https://me:secret@example.com:443//x//?&&b=&a=%7E{n}",
    " https://bücher{n}.example/straße?q=ä&p=ö \n",
    "https:\\\\example.com\\path\\{n}",
    "http://0x7f.1/{n}?x=[1]|{{2}}^`",
    "https://example.com/%zz%41%2f{n}?q=%C3%A4&utm_source=x",
    "//example.com/../../{n}?q=a b<c>",
    "https://EXAMPLE.com/a%2Fb/%7euser/{n};p=1?z&y&x",
)
RELATIVE = ("/articles/{n}", "../{n}.html", "?page={n}", "page-{n}", "//cdn.example.com/{n}.js", "#top-{n}")
BASE = "https://www.example.org/articles/2026/index.html"


def links(forms: Sequence[str], count: int) -> list[str]:
    """Different URLs, so that no cache of results flatters anybody."""
    return [form.format(n=number) for number, form in zip(range(count), itertools.cycle(forms), strict=False)]


def peer(module: str, attribute: str) -> Call | None:
    """A function of another library, where that is installed."""
    try:
        found: Call = getattr(importlib.import_module(module), attribute)
    except ImportError:
        return None
    return found


def suffixes(module: str, make: str, ask: str) -> Call | None:
    """The registrable domain by another library, its list read beforehand and never fetched."""
    built = peer(module, make)
    if built is None:
        return None
    return getattr(built(suffix_list_urls=()) if module == "tldextract" else built(), ask)  # type: ignore[call-arg]


def measure(call: Call, urls: Sequence[str]) -> tuple[float, int]:
    """µs of CPU for each, and how many were refused."""
    refused = 0
    began = time.process_time()
    for url in urls:
        try:
            call(url)
        except (ValueError, InvalidUrl):  # a refusal costs its time too
            refused += 1
    return (time.process_time() - began) / len(urls) * 1e6, refused


def compare(title: str, urls: Sequence[str], ours: Sequence[str], calls: dict[str, Call | None]) -> None:
    """A line for each; the ratio is to the first of ours."""
    first = 0.0
    for name, call in calls.items():
        if call is None:
            print(f"{title:8}  {name:34} not installed")
            continue
        measure(call, urls[: len(urls) // 20])
        cost, refused = measure(call, urls)
        first = first or cost
        ratio = "" if name in ours else f"   {cost / first:.1f} x ours"
        print(f"{title:8}  {name:34} {cost:8.2f} µs{ratio}" + (f"   ({refused} refused)" if refused else ""))


def versions() -> str:
    known = []
    for name in ("ada-url", "can-ada", "w3lib", "yarl", "url-normalize", "tldextract", "publicsuffixlist"):
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            known.append(f"no {name}")
    return ", ".join(known)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=int, default=40_000)
    count = parser.parse_args().urls
    print(versions())
    peers = {
        "ada_url.normalize_url": peer("ada_url", "normalize_url"),
        "w3lib.url.canonicalize_url": peer("w3lib.url", "canonicalize_url"),
        "yarl.URL": peer("yarl", "URL"),
        "url_normalize.url_normalize": peer("url_normalize", "url_normalize"),
    }
    forms: dict[str, Call | None] = {
        "weburl.normalize": weburl.normalize,
        "weburl.parse": weburl.parse,
        "weburl.url_key": weburl.url_key,
        "weburl.split": weburl.split,
    }
    compare("typical", links(TYPICAL, count), list(forms), forms | peers)
    compare("dirty", links(DIRTY, count), list(forms), forms | peers)
    based: dict[str, Call | None] = {
        "weburl.join, on a base": lambda href: weburl.join(BASE, href),
        "weburl.normalize, on a base": lambda href: weburl.normalize(href, BASE),
    }
    join = peer("ada_url", "join_url")
    others = {"ada_url.join_url": None if join is None else lambda href: join(BASE, href)}  # type: ignore[call-arg]
    compare("relative", links(RELATIVE, count), list(based), based | others)
    hosts = [weburl.host(url) for url in links(TYPICAL, count)]
    domains = {
        "weburl.registrable_domain": weburl.registrable_domain,
        "publicsuffixlist.privatesuffix": suffixes("publicsuffixlist", "PublicSuffixList", "privatesuffix"),
        "tldextract": suffixes("tldextract", "TLDExtract", "extract_str"),
    }
    compare("domain", hosts, ["weburl.registrable_domain"], domains)


if __name__ == "__main__":
    main()
