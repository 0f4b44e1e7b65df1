"""Costs of the worst pages and images in the child that reads them, within the limits that we ship."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from aragog.assembly.services import child_bounds
from aragog.settings import ExtractionSettings
from crawler.visit.extractor import IMPORTS
from extraction.child_request import FUNCTION, request
from extraction.head import HEAD_BYTES, read_head
from recommender_hooks.images import image_signals
from runtime.children import Answer, ChildPool, Done, LostCall
from tests.support.hostile_images import BOMBS
from tests.support.hostile_pages import PAGES, HostilePage
from thrift_idl.gen.page.ttypes import PageRecord
from thrift_idl.records import unpack

URL = "http://site.test/"
SHIPPED = ExtractionSettings()
#: Each took tens of seconds, or had a record that no store took, until it was mended.
ONCE_TOO_MUCH = (
    "10 MB of white space in a tag",
    "2,500 short attributes in 16 KB, 600 times",
    "5,000 links on a base of 8,000 characters",
    "JSON-LD of quotes",
    "JSON-LD of space",
    "a srcset of digits",
    "bytes of no meaning in windows-1252",
    "one meta, 500 properties, 8 KB",
    "srcsets of bad descriptors",
)
HEADS = {
    "a refresh of digits": "<meta http-equiv=refresh content='" + "0" * 60_000 + "'>",
    "a refresh of dots": "<meta http-equiv=refresh content='0" + ".0" * 30_000 + "'>",
    "a refresh of white space": "<meta http-equiv=refresh content='0" + " " * 60_000 + "'>",
    "white space in a tag": "<link rel=canonical><meta" + " " * 65_000 + ">",
    "white space before an angle": '<link rel=canonical><meta = "' + " " * 60_000 + '>">',
    "a number of 5,000 digits": "<link rel=canonical href='/&#" + "9" * 5_000 + ";'>",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call: its answer, CPU milliseconds and growth of resident memory in MiB, both of the child."""

    answer: Answer
    cpu_ms: float
    mib: float


async def cost(function: str, argument: bytes, imports: tuple[str, ...]) -> Cost:
    """Run it in a child of its own with the limits that we ship."""
    async with ChildPool(1, child_bounds(SHIPPED), imports) as pool:
        await pool.run(function, argument[:200])
        (pid,) = pool.pids
        cpu_ms, mib = used(pid)
        answer = await pool.run(function, argument)
        if isinstance(answer, LostCall):
            return Cost(answer, SHIPPED.timeout_ms, SHIPPED.memory_mib)
        after = used(pid)
        return Cost(answer, after[0] - cpu_ms, after[1] - mib)


def used(pid: int) -> tuple[float, float]:
    """CPU milliseconds and the most resident MiB of a process so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    most = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6, most / 1024


async def cost_of_page(page: HostilePage) -> Cost:
    """Of one page, and its record is held to what must be kept."""
    media_type, _, charset = page.content_type.partition("; charset=")
    x_robots = [value for name, value in page.headers if name == "X-Robots-Tag"]
    found = await cost(FUNCTION, request(page.content(), URL, charset, media_type, "", x_robots), IMPORTS)
    assert isinstance(found.answer, Done), found.answer
    record = unpack(PageRecord, found.answer.result)
    links = {link.url for link in record.outlinks}
    assert record.title.startswith(page.title)
    assert f"{URL}kept" in links or not page.has_link
    assert page.flag in ("", *record.flags)
    print(f"{found.cpu_ms:.0f} ms, {found.mib:.0f} MiB, {len(links)} links, {', '.join(record.flags) or 'no flag'}")
    return found


@pytest.mark.parametrize("name", ONCE_TOO_MUCH)
async def test_what_was_once_too_much_is_kept(name: str) -> None:
    await cost_of_page(PAGES[name])


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", HEADS)
def test_no_head_holds_up_the_process_that_fetches(name: str) -> None:
    content = HEADS[name].encode()
    assert len(content) <= HEAD_BYTES
    read_head(content, URL)
    read_head(content.rstrip(b"'>;"), URL)


@pytest.mark.torture
@pytest.mark.parametrize("name", PAGES)
async def test_a_page_costs_less_than_half_of_its_limits(name: str) -> None:
    found = await cost_of_page(PAGES[name])
    assert found.cpu_ms < SHIPPED.timeout_ms / 2
    assert found.mib < SHIPPED.memory_mib / 2


@pytest.mark.torture
@pytest.mark.parametrize("name", BOMBS)
async def test_an_image_costs_no_more_than_its_limits_and_has_its_outcome(name: str) -> None:
    found = await cost(image_signals.FUNCTION, BOMBS[name].build(), image_signals.IMPORTS)
    try:
        if isinstance(found.answer, LostCall):
            raise image_signals.ImageError(found.answer.ending, found.answer.detail)
        image_signals.read_answer(found.answer.result)
        code = ""
    except image_signals.ImageError as error:
        code = error.code
    print(f"{found.cpu_ms:.0f} ms, {found.mib:.0f} MiB, {code or 'signals'}")
    assert code in BOMBS[name].codes
    assert found.mib <= SHIPPED.memory_mib
