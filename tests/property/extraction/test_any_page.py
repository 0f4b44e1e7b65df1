"""Whatever a page holds, extraction raises nothing and says nothing impossible."""

from __future__ import annotations

from itertools import pairwise

import orjson
from hypothesis import given
from hypothesis import strategies as st

from extraction.child_call import run
from extraction.child_request import request
from extraction.head import read_head
from extraction.page import extract
from extraction.srcset import candidates
from extraction.tags import tags
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.records import pack, unpack
from weburl import request_form

URL = "http://site.test/folder/page"
PIECES = [
    *"<>/='\" \n&;#!-?\0é𝒳",
    *("<a href=", "</a>", "<base href=", "<meta name=robots content=", "<meta property=og:image content=", "nofollow"),
    *(
        "<link rel=canonical href=",
        "<meta http-equiv=refresh content=",
        "0;url=",
        "<img src=",
        " srcset=",
        " data-src=",
    ),
    *("<script>", "</script>", "<script type=application/ld+json>", '{"image":', "[", "]", "}", "<style>", "</style>"),
    *("<!--", "-->", "<title>", "</title>", "<noscript>", "</noscript>", "<svg>", "<table>", "<td>", "<p>", "<b>"),
    *("<template>", "<body>", "<head>", "style='background:url(", "x", "/y", "http://other.test/", "http://[", "data:"),
    *(
        "charset=utf-16",
        "&amp;",
        "&copy=",
        "&#xD800;",
        "&#0;",
        "<select>",
        "<math>",
        "<plaintext>",
        "<textarea>",
        "1x, ",
    ),
]
markup = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=60).map("".join)
pages = st.binary(max_size=300) | markup.map(lambda text: text.encode("utf-8", "surrogatepass"))
charsets = st.sampled_from(["", "utf-8", "latin1", "utf-16", "shift_jis", "iso-2022-jp", "nope"])
media_types = st.sampled_from(["text/html", "application/xhtml+xml", "image/png"])


@given(pages, charsets, media_types, st.lists(st.text(max_size=40), max_size=3))
def test_a_record_is_possible_whatever_the_page(
    content: bytes, charset: str, media_type: str, x_robots: list[str]
) -> None:
    record = extract(content, URL, charset, media_type, x_robots=x_robots)
    urls = [link.url for link in record.outlinks]
    assert len(set(urls)) == len(urls)
    for url in [*urls, *(image.url for image in record.images), *filter(None, (record.canonical, record.og_url))]:
        assert url.startswith(("http://", "https://"))
        assert request_form(url) == url
        assert "#" not in url
    assert len({(image.url, image.found) for image in record.images}) == len(record.images)
    assert all(isinstance(orjson.loads(block), dict | list) for block in record.json_ld)
    assert all(link.text == " ".join(link.text.split()) for link in record.outlinks)
    assert unpack(PageRecord, pack(record)) == record
    assert extract(content, URL, charset, media_type, x_robots=x_robots) == record


@given(markup)
def test_the_call_of_a_child_is_extract(text: str) -> None:
    content = text.encode("utf-8", "replace")
    assert unpack(PageRecord, run(request(content, URL, "utf-8"))) == extract(content, URL, "utf-8")


@given(pages, charsets)
def test_a_head_is_possible_whatever_the_page(content: bytes, charset: str) -> None:
    head = read_head(content, URL, charset)
    for url in filter(None, (head.canonical, head.refresh)):
        assert request_form(url) == url


HEAD_ELEMENTS = [
    "<title>a <link rel=canonical href=/title></title>",
    "<meta charset=utf-8>",
    "<!-- <link rel=canonical href=/comment> -->",
    "<script>x='<link rel=canonical href=/script>'</script>",
    "<style><link rel=canonical href=/style></style>",
    "<noscript><link rel=canonical href=/noscript></noscript>",
    "<template><link rel=canonical href=/template></template>",
    "<base href=/base/>",
    "<link rel=canonical href=first>",
    "<LINK href='second?a=1&amp;b&copy=2' REL=\"x canonical\"/>",
    "<link rel=canonical>",
    "<link rel=icon href=/icon>",
    "</head>",
    "<body>",
    "<p>",
    "text",
    "\n",
]


@given(st.lists(st.sampled_from(HEAD_ELEMENTS), max_size=12))
def test_the_head_alone_and_the_whole_page_agree_on_the_canonical_link(elements: list[str]) -> None:
    content = "".join(elements).encode()
    assert read_head(content, URL).canonical == extract(content, URL).canonical


@given(markup)
def test_a_scan_for_tags_ends_and_moves_on(text: str) -> None:
    found = list(tags(text))
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(tag.attributes().keys() == {name.lower() for name in tag.attributes()} for tag in found)


@given(st.text(alphabet="a,( )1xw\n", max_size=60))
def test_candidates_of_a_srcset_are_urls_without_white_space(srcset: str) -> None:
    assert all(href and not set(href) & set(" \n") for href in candidates(srcset))
