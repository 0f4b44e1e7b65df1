"""The target of a URL: its aliases followed, the claims of a page judged, row by row from the metadata backend."""

from __future__ import annotations

from thrift_idl.gen.urlstore.ttypes import ClaimVerdict, UrlRow
from urlstore.aliases import AliasWalk, walk
from urlstore.backends import MetadataBackend
from urlstore.canonical_claims import claims_of, verdict
from urlstore.rows import told_row
from weburl import url_key


class Following:
    """Reads the rows that `aliases` and `canonical_claims` need. Raises the errors of the backend and of `told_row`."""

    def __init__(self, metadata: MetadataBackend) -> None:
        self._metadata = metadata

    async def walk(self, key: bytes) -> AliasWalk:
        """The way from this URL key, at most ten aliases long."""
        steps = walk(key)
        wanted = next(steps)
        while True:
            row = await self._metadata.read_row(wanted)
            try:
                wanted = steps.send(row)
            except StopIteration as end:
                way: AliasWalk = end.value
                return way

    async def is_duplicate(self, row: UrlRow) -> bool:
        """True if the page's claim of another URL holds."""
        return any(claim.holds and claim.url != row.url for claim, _ in await self.judge(row))

    async def judge(self, row: UrlRow) -> list[tuple[ClaimVerdict, UrlRow | None]]:
        """Each claim of the page with its verdict, and the row it points at."""
        targets: dict[bytes, UrlRow | None] = {row.key: row}
        judged: list[tuple[ClaimVerdict, UrlRow | None]] = []
        for claim in claims_of(row.page) if row.page else ():
            key = url_key(claim.url)
            if key not in targets:
                way = await self.walk(key)
                targets[key] = told_row(way.row) if way.row else None
            judged.append((verdict(claim, row, targets[key]), targets[key]))
        return judged
