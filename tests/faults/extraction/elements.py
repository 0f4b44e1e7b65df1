"""Every element, known and unknown, in every shape that may make a parser's work grow with the square of a page."""

from __future__ import annotations

import random
from collections.abc import Iterator

_NAMES = """
    a abbr acronym address annotation-xml applet area article aside audio b base basefont bdi bdo bgsound big blink
    blockquote body br button canvas caption center cite code col colgroup command content data datalist dd del desc
    details dfn dialog dir div dl dt element em embed fieldset figcaption figure font footer foreignobject form frame
    frameset g h1 h2 h6 head header hgroup hr html i iframe image img input ins isindex kbd keygen label legend li link
    listing main malignmark map mark marquee math menu menuitem meta meter mglyph mi mn mo ms mtext multicol nav nextid
    nobr noembed noframes noscript object ol optgroup option output p param path picture plaintext portal pre progress
    q rb rp rt rtc ruby s samp script search section select shadow slot small source spacer span strike strong style
    sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr
    x-unknown xmp
"""
NAMES = tuple(_NAMES.split())

#: What the elements stand in.
AROUND = {
    "the body": "",
    "a select": "<select>",
    "an optgroup": "<select><optgroup><option>",
    "a table": "<table>",
    "a cell": "<table><tr><td>",
    "a caption": "<table><caption>",
    "a column group": "<table><colgroup>",
    "a template": "<template>",
    "a template's row": "<template><tr>",
    "ruby": "<ruby>",
    "svg": "<svg>",
    "svg with HTML": "<svg><foreignObject>",
    "svg that has ended": "<svg><p>",
    "a title in svg": "<svg><title>",
    "math": "<math>",
    "a text in math": "<math><mtext>",
    "a button": "<button>",
    "a form": "<form>",
    "a list": "<ul><li>",
    "a frameset": "</body><frameset>",
    "a quote": "<p a=b='>",
    "many of one name": "<div>" * 400,
    "many of many names": "".join(f"<x{number}>" for number in range(400)),
    "much formatting": "<p>" + "".join(f"<b id={number}>" for number in range(100)),
}


def shapes(name: str) -> dict[str, str]:
    """The repeated elements, by their names."""
    return {
        "nested": f"<{name}>",
        "nested with text": f"<{name}>x",
        "closed": f"<{name}></{name}>",
        "ended": f"</{name}>",
        "with a slash": f"<{name}/>",
        "with a paragraph": f"<{name}><p>",
        "in a block that ends": f"<div><{name}></div>",
        "around a block": f"<{name}><div></{name}>",
        "around much": f"{'<span>' * 9}<{name}>{'</span>' * 9}",
    }


def soups(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """The first and the repeated elements, a few of each."""
    chance = random.Random(seed)
    for _ in range(count):
        names = chance.sample(NAMES, chance.randint(2, 6))
        names = [name for name in names if name != "plaintext"] or ["p"]
        yield _soup(chance, names, 5), _soup(chance, names, 12)


def _soup(chance: random.Random, names: list[str], most: int) -> str:
    forms = ("<{}>", "<{}>", "<{}>", "</{}>", "</{}>", "<{}/>", "<{} a=b>")
    return "".join(chance.choice(forms).format(chance.choice(names)) for _ in range(chance.randint(1, most)))
