"""Tables, panels and progress for people: nothing harmful is printed, and no string is taken for mark-up."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from aragog.harmless_text import harmless


class Terminal(Console):
    """The console to which commands print them."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The text written for `renderable`; rich's own control sequences are segments of their own kind."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


def plain(text: str) -> Text:
    """Text from outside. It is escaped before a table is laid out."""
    return Text(harmless(text))
