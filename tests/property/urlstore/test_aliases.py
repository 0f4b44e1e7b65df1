"""The alias walk, over every graph of redirects."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.urlstore_requests import chain
from urlstore.aliases import MAX_ALIASES, AliasWalk, aliases_of, walk
from urlstore.backends import StoredRow
from weburl import url_key

URLS = [f"http://a.test/{number}" for number in range(14)]
GRAPHS = st.dictionaries(st.sampled_from(URLS), st.sampled_from([*URLS, ""]))
CHAINS = st.lists(st.sampled_from(URLS), min_size=2, max_size=12)


def _walk(redirects: dict[str, str], asked: str) -> AliasWalk:
    rows = {url_key(url): StoredRow(url_key(url), url, redirects_to=target) for url, target in redirects.items()}
    steps = walk(url_key(asked))
    wanted, reads = next(steps), 0
    while True:
        reads += 1
        assert reads <= MAX_ALIASES + 1, "a walk reads no more than eleven rows"
        try:
            wanted = steps.send(rows.get(wanted))
        except StopIteration as end:
            return end.value


@given(GRAPHS, st.sampled_from(URLS))
def test_a_walk_ends_at_a_row_that_leads_no_further_or_where_it_was_asked(
    redirects: dict[str, str], asked: str
) -> None:
    way = _walk(redirects, asked)
    if asked not in redirects:
        assert way == AliasWalk(None, (), cycle=False)
        return
    assert way.row is not None
    if way.cycle:
        assert (way.row.url, way.followed[0]) == (asked, asked)
        assert len(way.followed) == MAX_ALIASES + 1 or redirects[way.followed[-1]] in way.followed
    else:
        assert redirects.get(way.row.redirects_to) is None or not way.row.redirects_to
        assert way.followed == () or way.followed[0] == asked
        assert [redirects[url] for url in way.followed] == [*way.followed[1:], way.row.url][: len(way.followed)]
        assert len(way.followed) <= MAX_ALIASES


@given(CHAINS)
def test_the_aliases_of_a_chain_lead_from_every_hop_to_its_end(urls: list[str]) -> None:
    end = url_key(urls[-1])
    redirects = {alias.url: alias.target for alias in aliases_of(chain(*urls), end)} | {urls[-1]: ""}
    for url in urls:
        way = _walk(redirects, url)
        assert way.row is not None
        assert way.cycle == (len(way.followed) > MAX_ALIASES)
        if not way.cycle:
            assert way.row.url == urls[-1]


@given(CHAINS)
def test_a_chain_that_nobody_answered_makes_no_alias_of_itself_and_one_a_url(urls: list[str]) -> None:
    aliases = aliases_of(chain(*urls), None)
    assert len({alias.key for alias in aliases}) == len(aliases)
    assert all(alias.key != url_key(alias.target) for alias in aliases)


def test_a_url_visited_twice_leads_where_its_last_visit_went() -> None:
    a, b, c = URLS[:3]
    assert {alias.url: alias.target for alias in aliases_of(chain(a, b, a, c), url_key(c))} == {b: a, a: c}
    assert aliases_of(chain(f"{a}?x&y", b), None) and not aliases_of(chain(f"{a}?x&y", f"{a}?y&x"), None)
    back_to_itself = chain(f"{a}?x&y", b, f"{a}?x&y", f"{a}?y&x")
    assert [alias.url for alias in aliases_of(back_to_itself, None)] == [b]


def test_a_hop_to_what_cannot_be_fetched_makes_no_alias() -> None:
    assert aliases_of(chain("http://a.test/", "ftp://a.test/"), None) == ()
    assert aliases_of(chain("no url", "http://a.test/"), None) == ()
