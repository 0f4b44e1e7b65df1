"""Recipes as the templates of recipe sites write them: pages of samples/, and pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from extraction.page import extract
from tests.unit.extraction import record
from thrift_idl.gen.page.ttypes import PageRecord, Recipe, Typed

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str, url: str = "https://larder.test/page/") -> PageRecord:
    return extract((SAMPLES / name).read_bytes(), url)


def typed(page: PageRecord) -> Typed:
    assert page.typed is not None
    return page.typed


def recipe_of(page: PageRecord) -> Recipe:
    assert page.typed is not None
    assert page.typed.recipe is not None
    return page.typed.recipe


def recipe(**fields: Any) -> Recipe:
    block = orjson.dumps({"@type": "Recipe", "name": "R", **fields}).decode()
    return recipe_of(record(f'<script type="application/ld+json">{block}</script>'))


def test_a_recipe_in_a_graph_beside_an_article_is_the_page() -> None:
    page = sample("wprm.html")
    found = recipe_of(page)
    assert (typed(page).kind, typed(page).confidence) == ("recipe", 0.95)
    assert found.ingredients == (
        "1 cup pearl barley (rinsed)",
        "2 tbsp olive oil",
        "1½ l stock",
        "salt & pepper",
        "salt & pepper",
    )
    assert [(step.section, step.text) for step in found.instructions] == [
        ("Broth", "Warm the oil, then add the barley."),
        ("Broth", "Pour in the stock."),
        ("To finish", "Stir in the lemon. Serve."),
    ]
    assert (found.prep_time, found.cook_time, found.total_time) == ("PT15M", "PT40M", "PT55M")
    assert (found.name, found.yields, found.authors) == ("Lemon Barley Soup", "4 bowls", ("Ines Oberg",))
    assert found.rating is not None
    assert (found.rating.value, found.rating.count) == ("4.87", 23)
    assert [(each.name, each.content) for each in found.nutrition][1:] == [("calories", "310 kcal"), ("fat", "9 g")]
    assert (found.categories, found.cuisines) == (("Main Course", "Soup"), ("Nordic",))


def test_the_card_of_a_recipe_has_its_name_and_picture_and_what_is_shared_beside() -> None:
    card = sample("wprm.html").card
    assert card is not None
    assert (card.title, card.image) == ("Lemon Barley Soup", "https://larder.test/wp-content/uploads/soup.jpg")
    assert card.description == "Cosy & bright: pearl barley, lemon and greens."
    assert (card.site_name, card.authors, card.language) == ("The Larder Table", ("Ines Oberg",), "en-US")
    assert (card.logo, card.favicon) == ("https://larder.test/logo.png", "https://larder.test/favicon-192x192.png")
    assert [feed.media_type for feed in card.feeds] == ["application/rss+xml"]
    assert [offered.media_type for offered in card.oembed] == ["application/json+oembed"]


def test_a_recipe_in_microdata_reads_as_one_in_json() -> None:
    found = recipe_of(sample("microdata_recipe.html"))
    assert found.ingredients == ("1 kg Äpfel", "200 g Mehl", "Zucker")
    assert [step.text for step in found.instructions] == ["Äpfel schälen.", "Teig kneten.", "Backen."]
    assert (found.authors, found.cook_time, found.prep_time) == (("Greta Holm",), "PT35M", "PT20M")
    assert found.rating is not None
    assert (found.rating.value, found.rating.best, found.rating.count) == ("4.5", "5", 1204)
    assert (found.yields, found.published) == ("1 Blech", "2019-09-14")


def test_a_recipe_in_the_old_microformat_is_one() -> None:
    page = sample("hrecipe.html")
    found = recipe_of(page)
    assert (typed(page).kind, found.name, found.authors) == ("recipe", "Bean Stew", ("Old Tom",))
    assert found.ingredients == ("2 cups beans", "1 onion")
    assert [step.text for step in found.instructions] == ["Soak.", "Boil."]
    assert (found.total_time, found.yields) == ("PT1H30M", "6 servings")
    assert found.image == "https://larder.test/page/stew.jpg"


def test_h_recipe_is_one() -> None:
    page = record(
        "<div class=h-recipe><h1 class=p-name>Tea</h1><ul><li class=p-ingredient>1 leaf<li class=p-ingredient>water"
        "</ul><div class=e-instructions>Wait.</div><time class=dt-duration datetime=PT5M>5</time></div>"
    )
    found = recipe_of(page)
    assert (found.name, found.ingredients, found.total_time) == ("Tea", ("1 leaf", "water"), "PT5M")


def test_a_recipe_in_rdfa_is_one() -> None:
    page = record(
        '<div vocab="https://schema.org/" typeof="Recipe"><span property="name">Tea</span>'
        '<span property="recipeIngredient">1 leaf</span><span property="recipeIngredient">water</span>'
        '<p property="recipeInstructions">Wait.</p>'
        '<div property="author" typeof="Person"><b property="name">Jo</b></div></div>'
    )
    found = recipe_of(page)
    assert (found.name, found.ingredients, found.authors) == ("Tea", ("1 leaf", "water"), ("Jo",))


def test_data_vocabulary_is_read_with_amount_and_name() -> None:
    page = record(
        '<div itemscope itemtype="http://data-vocabulary.org/Recipe"><h1 itemprop="name">Tea</h1>'
        '<p itemprop="ingredient" itemscope itemtype="http://data-vocabulary.org/RecipeIngredient">'
        '<span itemprop="amount">1</span> <span itemprop="name">leaf</span></p>'
        '<p itemprop="ingredient" itemscope itemtype="http://data-vocabulary.org/RecipeIngredient">'
        '<span itemprop="amount">1 l</span> <span itemprop="name">water</span></p>'
        '<div itemprop="instructions">Wait.</div></div>'
    )
    assert recipe_of(page).ingredients == ("1 leaf", "1 l water")


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("One.\nTwo.", ["One.", "Two."]),
        ("<ol><li>One.</li><li>Two.</li></ol>", ["One.", "Two."]),
        (["One.", "Two."], ["One.", "Two."]),
        ([["One.", "Two."]], ["One.", "Two."]),
        ([{"@type": "HowToStep", "text": "One."}, {"@type": "HowToStep", "name": "Two."}], ["One.", "Two."]),
        ({"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": {"text": "One."}}]}, ["One."]),
        ([{"@type": "HowToStep", "itemListElement": [{"text": "One."}, {"text": "Two."}]}], ["One. Two."]),
    ],
)
def test_instructions_come_in_many_shapes(written: object, steps: list[str]) -> None:
    assert [step.text for step in recipe(recipeInstructions=written).instructions] == steps


@pytest.mark.parametrize(
    ("written", "yields"),
    [
        (4, "4 servings"),
        ("4", "4 servings"),
        (["6", "6 muffins"], "6 muffins"),
        ({"@type": "QuantitativeValue", "value": 2, "unitText": "loaves"}, "2 loaves"),
        ("0", ""),
        ("", ""),
    ],
)
def test_a_yield_says_of_what(written: object, yields: str) -> None:
    assert recipe(recipeYield=written).yields == yields


@pytest.mark.parametrize(
    "written",
    [
        "/i.jpg",
        ["/i.jpg", "/j.jpg"],
        {"@type": "ImageObject", "url": "/i.jpg"},
        [{"@type": "ImageObject", "url": ["/i.jpg"]}],
        {"@id": "http://site.test/i.jpg"},
    ],
)
def test_an_image_comes_in_many_shapes(written: object) -> None:
    assert recipe(image=written).image == "http://site.test/i.jpg"


def test_ingredients_may_be_one_text_and_have_another_name() -> None:
    assert recipe(recipeIngredient="1 leaf\nwater").ingredients == ("1 leaf", "water")
    assert recipe(ingredients=["1 leaf", " ", "<b>water</b>"]).ingredients == ("1 leaf", "water")


def test_a_type_may_be_one_of_several_with_its_vocabulary() -> None:
    page = record(
        '<script type="application/ld+json">{"@type":["http://schema.org/Recipe","NewsArticle"],'
        '"https://schema.org/name":"Tea","schema:recipeIngredient":["water"]}</script>'
    )
    assert (typed(page).kind, recipe_of(page).name, recipe_of(page).ingredients) == ("recipe", "Tea", ("water",))


def test_a_recipe_that_a_page_is_about_is_found_within_it() -> None:
    page = record(
        '<script type="application/ld+json">{"@type":"WebPage","mainEntity":{"@type":"Recipe","name":"Tea",'
        '"recipeIngredient":["water"],"recipeInstructions":"Wait."}}</script>'
    )
    assert (typed(page).kind, recipe_of(page).ingredients) == ("recipe", ("water",))
    assert typed(page).confidence > 0.8


def test_a_list_of_recipes_is_less_of_one() -> None:
    items = ",".join(f'{{"@type":"Recipe","name":"R{n}","image":"/{n}","recipeIngredient":["x"]}}' for n in range(5))
    alone = record(f'<script type="application/ld+json">{items.split("},")[0]}}}</script>')
    page = record(f'<script type="application/ld+json">[{items}]</script>')
    assert typed(page).confidence < typed(alone).confidence


def test_json_ld_beyond_what_is_parsed_is_found() -> None:
    block = '<script type="application/ld+json">{"@type":"Recipe","name":"Deep","recipeIngredient":["x"]}</script>'
    page = record("<title>T</title>" + "<div>" * 9_000 + block)
    assert page.flags == ("too_deep",)
    assert recipe_of(page).name == "Deep"


@pytest.mark.parametrize(
    ("html", "name", "image"),
    [
        ("<div class=h-recipe>Bread <b>and</b> salt</div>", "Bread and salt", ""),
        ("<img class=h-recipe alt=Bread src=/b.jpg>", "Bread", "http://site.test/b.jpg"),
        ("<div class=h-recipe><img alt=Bread src=/b.jpg></div>", "Bread", "http://site.test/b.jpg"),
        ("<div class=h-recipe><a href=/b><img alt=Bread src=/b.jpg></a></div>", "Bread", "http://site.test/b.jpg"),
        (
            "<div class=h-recipe><h2 class=p-name>Bread</h2><img alt=Loaf src=/b.jpg></div>",
            "Bread",
            "http://site.test/b.jpg",
        ),
        ("<div class=h-recipe><b class=p-name>Bread</b><img src=/1.jpg><img src=/2.jpg></div>", "Bread", ""),
        ("<div class=h-recipe><b class=p-name>Bread</b><a class=u-url href=/b></a><img src=/1.jpg></div>", "Bread", ""),
        ("<div class=h-recipe><p class=p-ingredient>Flour</p></div>", "", ""),
    ],
)
def test_name_and_photo_of_a_microformat_may_be_implied(html: str, name: str, image: str) -> None:
    found = recipe_of(record(html))
    assert (found.name, found.image) == (name, image)


def test_lists_in_mark_up_are_lists_of_ingredients() -> None:
    found = recipe(
        recipeIngredient=["<ul><li>1 cup lentils</li><li>2 tbsp oil</li></ul>", "<ul><li>Salt</li></ul>", "Oil"]
    )
    assert found.ingredients == ("1 cup lentils", "2 tbsp oil", "Salt", "Oil")
