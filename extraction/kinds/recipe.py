"""Recipes: https://schema.org/Recipe, data-vocabulary.org's before it, hRecipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from extraction.kinds.convert import Place, Values, date, duration, listed, name_of, names, rating, short, text, url
from extraction.kinds.reading import Field, PageKind
from extraction.syntax.graph import types_of
from extraction.values.plain import lines, plain
from thrift_idl.gen.page.ttypes import Property, Recipe, Step

_MOST = 300  # ingredients, steps
_INGREDIENT = 1_024
_DEPTH = 6


def ingredients(values: Values, place: Place) -> tuple[str, ...]:
    """The ingredients in order, repeated ones too; one text may hold them all, one on each line."""
    if len(values) == 1 and isinstance(values[0], str):
        return tuple(lines(values[0], _INGREDIENT)[:_MOST])
    found = [each for value in values[:_MOST] for each in _ingredients(value, place)][:_MOST]
    return tuple(each.replace("((", "(").replace("))", ")") for each in found if each)  # templates put brackets around


def _ingredients(value: Any, place: Place) -> list[str]:
    """One ingredient, or several from a text that is a list in mark-up: a recipe in parts has one for each."""
    if isinstance(value, str) and "<li" in value:
        return lines(value, _INGREDIENT)
    return [plain(_ingredient(value, place), _INGREDIENT)]


def _ingredient(value: Any, place: Place) -> Any:
    """An ingredient of data-vocabulary.org, where amount and name are separate."""
    if isinstance(value, Mapping) and "amount" in value:
        amount = next(place.graph.flat(value["amount"]), "")
        return f"{plain(name_of(amount, place))} {plain(name_of(value, place))}"
    return name_of(value, place)


def steps(values: Values, place: Place) -> tuple[Step, ...]:
    """A text (one step on each line), a list of texts, of HowToSteps, of HowToSections that hold steps."""
    return tuple(step for step, _ in zip(_steps(values, place, "", _DEPTH), range(_MOST), strict=False))


def _steps(values: Values, place: Place, section: str, depth: int) -> Iterator[Step]:
    for value in values if depth else ():
        if isinstance(value, Mapping):
            yield from _steps_of_thing(value, place, section, depth)
        elif isinstance(value, str):
            yield from (Step(line, section) for line in lines(value))


def _steps_of_thing(thing: Mapping[str, Any], place: Place, section: str, depth: int) -> Iterator[Step]:
    inner = list(place.graph.flat([thing.get(key) for key in ("itemListElement", "steps", "step", "item")]))
    if "howtosection" in types_of(thing) or (inner and "howtostep" not in types_of(thing)):
        heading = plain(name_of({"name": thing.get("name")}, place), 512)
        yield from _steps(inner or list(place.graph.flat(thing.get("text"))), place, heading or section, depth - 1)
        return
    stated = next((found for key in ("text", "description") if (found := _joined(thing.get(key), place))), "")
    parts = "" if stated else " ".join(step.text for step in _steps(inner, place, "", depth - 1))
    if said := stated or parts or plain(name_of(thing, place)):
        yield Step(said, section)


def _joined(value: Any, place: Place) -> str:
    return " ".join(found for each in place.graph.flat(value) if (found := plain(each)))


def yields(values: Values, place: Place) -> str:
    """The yield that names its unit: of `["4", "4 servings"]` the second; a number alone counts servings."""
    found = [said for value in values[:10] if (said := plain(_quantity(value, place), 128))]
    best = next((each for each in found if not each.isdigit()), found[0] if found else "")
    return f"{best} servings" if best.isdigit() and int(best) else best if not best.isdigit() else ""


def _quantity(value: Any, place: Place) -> Any:
    if isinstance(value, Mapping) and "value" in value:
        parts = (next(place.graph.flat(value.get(key)), "") for key in ("value", "unitText"))
        return " ".join(filter(None, map(plain, parts)))
    return name_of(value, place)


def nutrition(values: Values, place: Place) -> tuple[Property, ...]:
    """The values of a NutritionInformation."""
    pairs = (
        (key.removesuffix("Content"), plain(next(place.graph.flat(inner), None), 128))
        for value in values[:1]
        if isinstance(value, Mapping)
        for key, inner in list(value.items())[:40]
        if not key.startswith("@")
    )
    return tuple(Property(key, said) for key, said in pairs if said)


RECIPE = PageKind(
    "recipe",
    Recipe,
    frozenset(("recipe",)),
    frozenset(("recipe", "recipebox:recipe", "recipe:recipe", "food:recipe", "food")),
    (("recipeIngredient", "ingredients", "ingredient"), ("recipeInstructions", "instructions"), ("name",), ("image",)),
    (
        Field("name", ("name", "headline"), short),
        Field("description", ("description", "summary"), text),
        Field("image", ("image", "photo", "thumbnailUrl"), url),
        Field("authors", ("author", "creator"), names),
        Field("ingredients", ("recipeIngredient", "ingredients", "ingredient"), ingredients),
        Field("instructions", ("recipeInstructions", "instructions", "step"), steps),
        Field("prep_time", ("prepTime",), duration),
        Field("cook_time", ("cookTime", "performTime"), duration),
        Field("total_time", ("totalTime",), duration),
        Field("yields", ("recipeYield", "yield"), yields),
        Field("rating", ("aggregateRating", "review"), rating),
        Field("nutrition", ("nutrition",), nutrition),
        Field("categories", ("recipeCategory", "recipeType"), listed),
        Field("cuisines", ("recipeCuisine",), listed),
        Field("keywords", ("keywords",), listed),
        Field("published", ("datePublished", "published"), date),
    ),
)
