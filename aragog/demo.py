"""`make demo`: fetch the sample web on loopback with the embedded default, and show what came of it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from rich.console import Console

from aragog.assembly.whole import assembled
from aragog.cli import cards
from aragog.cli.pages import fetch_all
from aragog.cli.run import context, run
from aragog.settings import FetcherSettings, Settings
from testweb import SampleWeb
from thrift_idl.gen.urlstore.ttypes import LookupRequest

DATA = Path(".demo")
CARD = "http://kitchen.test/soup"
#: URLs of the sample web that ask for patience for ever are left deferred after this time.
PATIENCE_MS = 5_000


def settings_for(web: SampleWeb, data_dir: Path) -> Settings:
    """The embedded default, with the sample web's hosts mapped to loopback."""
    fetcher = FetcherSettings(connect_to=web.connect_to, allow_private=["*.test"])
    return Settings(data_dir=str(data_dir), fetcher=fetcher)


async def demo() -> None:
    """Fetch every URL of the sample web, print a summary, a card, and what to try next."""
    console = Console()
    async with SampleWeb() as web, assembled(settings_for(web, DATA)) as assembly:
        urls = web.urls()
        console.print(f"Fetching {len(urls)} URLs of the sample web, at most 10 a second and domain, into {DATA}/\n")
        visits = await fetch_all(assembly.visitor, urls, PATIENCE_MS)
        cards.print_summary(visits)
        shown = next((v.url for v in visits if v.page and v.page.record.json_ld), urls[0])
        cards.print_card(shown, await assembly.store.lookup(LookupRequest(context("demo"), shown)))
    console.print(f"""
Next (the store stays in {DATA}/):
  export ARAGOG_DATA_DIR={DATA}
  .venv/bin/aragog lookup {shown}
  .venv/bin/aragog links {shown}
  .venv/bin/aragog store export --sorted | head -3
  .venv/bin/aragog --help""")


def main() -> int:
    """Start afresh: the sample web's port is another each time."""
    shutil.rmtree(DATA, ignore_errors=True)
    run(demo())
    return 0


if __name__ == "__main__":
    sys.exit(main())
