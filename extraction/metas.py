"""Values of meta elements: description, OpenGraph, Twitter cards, robots, preferences."""

from __future__ import annotations

from collections.abc import Mapping

from selectolax.lexbor import LexborNode

from extraction.flags import Flags
from extraction.images import Images
from extraction.limits import ExtractionLimits
from extraction.text import bounded, collapse
from thrift_idl.gen.page.ttypes import Property, RobotsDirectives
from weburl import robots_directives
from weburl.robots_directives import AgentDirectives

_MAX_NAME = 256
_MOST_STATED = 1_000
# The same name in another spelling.
_SHORT_NAMES = {
    f"dc:{name}": f"dc.{name}" for name in ("title", "creator", "description", "publisher", "date", "language")
}
_SHORT_NAMES |= {name.replace("dc:", "dcterms:"): to.replace("dc.", "dcterms.") for name, to in _SHORT_NAMES.items()}


class Metas:
    """Gathers meta elements in document order."""

    def __init__(self, limits: ExtractionLimits, flags: Flags, images: Images) -> None:
        self._limits = limits
        self._flags = flags
        self._images = images
        self._directives = 0
        self.description = ""
        self.language = ""
        self.opengraph: list[Property] = []
        self.twitter: list[Property] = []
        self.robots: list[RobotsDirectives] = []
        self.preferences: list[str] = []
        self.stated: dict[str, list[tuple[str, LexborNode | None]]] = {}
        """Contents by lower case name, property or `itemprop:`name, each with its element."""
        self._stated = 0

    def add(self, attributes: Mapping[str, str | None], element: LexborNode | None = None) -> None:
        """One meta element; one without content is ignored."""
        content = attributes.get("content")
        if content is None:
            return
        name = (attributes.get("name") or "").strip().lower()
        # RDFa lets one element carry several properties.
        properties = (attributes.get("property") or "").split()
        self._state(name, properties, attributes, content, element)
        for written in dict.fromkeys(properties + ([name] if name.startswith(("og:", "twitter:")) else [])):
            self._add_property(written, content)
        if name:
            self._add_named(name, content)
        elif (attributes.get("http-equiv") or "").strip().lower() == "content-language":
            self._add_language(content)

    def first(self, name: str) -> str:
        """Content of the first OpenGraph property of that name, "" for none."""
        return next((each.content.strip() for each in self.opengraph if each.name.lower() == name), "")

    def _state(
        self,
        name: str,
        properties: list[str],
        attributes: Mapping[str, str | None],
        content: str,
        element: LexborNode | None,
    ) -> None:
        """Keep a statement by its name, in any syntax."""
        names = [written.lower() for written in properties[:8]]
        names += (
            [name] if name else [f"itemprop:{each.lower()}" for each in (attributes.get("itemprop") or "").split()[:8]]
        )
        for each in dict.fromkeys(names):
            if len(each) > _MAX_NAME or self._stated >= _MOST_STATED or content.isspace() or not content:
                continue
            self._stated += 1
            kept = bounded(content, self._limits.property_length)
            self.stated.setdefault(_SHORT_NAMES.get(each, each), []).append((kept, element))

    def _add_named(self, name: str, content: str) -> None:
        agent = robots_directives.agent_of_meta(name)
        if agent is not None:
            self.add_robots(robots_directives.of_meta(agent, content, self._directives_left()))
        elif name == "description":
            self.description = self.description or self._cut(collapse(content), self._limits.description_length)
        elif name == "pinterest":
            wishes = [word for word in content.lower().replace(",", " ").split() if word == "nopin"]
            self.preferences += [wish for wish in wishes[:1] if wish not in self.preferences]

    def add_header(self, x_robots: str) -> None:
        """One X-Robots-Tag header."""
        self.add_robots(robots_directives.of_header(x_robots, self._directives_left()))

    def add_robots(self, entry: AgentDirectives) -> None:
        """Keep the entry, unless it is empty."""
        self._directives += len(entry.directives)
        if self._directives >= self._limits.directives:
            self._flags.add("too_many_directives")
        if entry.directives:
            self.robots.append(RobotsDirectives(*entry))

    def _directives_left(self) -> int:
        return max(0, self._limits.directives - self._directives)

    def _add_language(self, content: str) -> None:
        # https://html.spec.whatwg.org/multipage/semantics.html#attr-meta-http-equiv-content-language
        words = content.split()
        if words and "," not in content and not self.language:
            self.language = words[0]

    def _add_property(self, name: str, content: str) -> None:
        kind = self.twitter if name.lower().startswith("twitter:") else self.opengraph
        if ":" not in name or len(name) > _MAX_NAME:
            return
        if len(kind) >= self._limits.properties:
            self._flags.add("too_many_properties")
            return
        kind.append(Property(name, self._cut(content, self._limits.property_length)))
        self._images.add_property(name.lower(), content)

    def _cut(self, text: str, length: int) -> str:
        if len(text) > length:
            self._flags.add("text_cut")
        return bounded(text, length)
