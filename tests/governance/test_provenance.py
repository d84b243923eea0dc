"""Where an argument comes from, as far as it can be shown."""

from governance.provenance import DEFAULT, MODEL, REQUEST, provenance

INPUTS = {"s6.approval_briefs": {"rows": [{"supplier_id": 41, "owner": "Mary"}], "figures": {"spend": {"value": "12.50"}}}}


def test_request_result_item_default_and_model() -> None:
    args = {
        "title": "Recall",
        "supplier_id": 41,
        "spend": "12.50",
        "ref": "s6.approval_briefs",
        "site": "X9",
        "text": "Hm",
        "days": 3,
    }
    given = {name: value for name, value in args.items() if name != "days"}
    assert provenance(args, given, "open a RECALL case", INPUTS, {"site": "X9"}) == {
        "title": REQUEST,
        "supplier_id": "from s6.approval_briefs, field supplier_id",
        "spend": "from s6.approval_briefs, field spend",
        "ref": "the result s6.approval_briefs",
        "site": "from the row this step is about, field site",
        "text": MODEL,
        "days": DEFAULT,
    }
    of = provenance({"site": "X9"}, {"site": "X9"}, "", {}, {"site": "X9"}, "s7.sites")
    assert of == {"site": "from s7.sites, field site"}


def test_a_part_of_a_word_is_not_the_users_word() -> None:
    assert provenance({"n": 1}, {"n": 1}, "spend in 2015", {}) == {"n": MODEL}
    assert provenance({"n": 2015}, {"n": 2015}, "spend in 2015", {}) == {"n": REQUEST}


def test_a_list_names_each_source_once() -> None:
    args = {"owners": ["Mary", "Kenya", "Uganda"]}
    found = provenance(args, args, "Kenya and Uganda", INPUTS)
    assert found == {"owners": f"from s6.approval_briefs, field owner; {REQUEST}"}
