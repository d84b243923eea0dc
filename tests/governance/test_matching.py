"""Does a text say a value, and did the user ask for a deed?"""

from decimal import Decimal

import pytest

from governance.intent import asks_for
from governance.manifest import ToolManifest
from governance.matching import is_identifier, links, numbers, percentages, says, shape

WRITE = ToolManifest(effect="write")


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("Pay GB29NWBK60161331926819.", "gb29nwbk60161331926819", True),
        ("see https://www.site.org/a.", "www.site.org/a", True),
        ("see www.site.org/a", "www.site.org", False),
        ("see www.site.org.Then go", "www.site.org", True),
        ("see www.site.org.evil", "www.site.org", False),
        ("see not-evil.org", "evil.org", False),
        ("see a.evil.org", "evil.org", False),
        ("mail x.ann@b.org", "ann@b.org", False),
        ("mail ann@b.org, please", "ann@b.org", True),
        ("everybody", "every", False),
        ("Grüße an Straße", "STRASSE", True),
        ("wait 5 hours", 5, False),
        ("close id 5", 5, True),
        ("close #12", "12", True),
        ("since 2015", 2015, True),
        ("since 2015", 1, False),
        ("anything", "", False),
        ("True story", True, False),
    ],
)
def test_a_value_is_said_whole_or_not_at_all(text: str, value: object, said: bool) -> None:
    assert says(text, value) is said


def test_numbers_are_amounts_and_not_parts_of_something_else() -> None:
    text = "Pay $1,200.50 and 12.00, 19.5% of it, by 2024-05-01 to US1330 or 10:30."
    assert numbers(text) == {Decimal("1200.50"), Decimal("12.00")}
    assert percentages(text) == {Decimal("0.195")}


def test_links_and_shapes() -> None:
    assert links("go to http://a.example/x?y=1, www.b.example. or evil.com; not a.b@c.org, plan.txt") == (
        "a.example/x?y=1",
        "www.b.example",
        "evil.com",
    )
    assert [shape(v) for v in ("a@b.org", "www.b.org", "GB29NWBK60161331926819", "Alice", "1234567890", "two words")] == [
        "mail", "link", "code", "", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "tool", "asked"),
    [
        ("Please send an email to Bob", "send_email", True),
        ("Mail Bob the summary", "send_email", True),
        ("Read my calendar", "create_calendar_event", False),
        ("Add a reminder to my calendar", "create_calendar_event", True),
        ("Delete the largest file", "delete_file", True),
        ("Which file is the largest?", "delete_file", False),
        ("Move the check-up to Monday", "reschedule_calendar_event", True),
        ("What hotels are there?", "reserve_hotel", False),
    ],
)
def test_a_deed_is_asked_for_by_the_words_of_its_name(request_: str, tool: str, asked: bool) -> None:
    assert asks_for(request_, tool, WRITE) is asked


def test_a_manifests_own_words_decide_alone() -> None:
    pay = ToolManifest(effect="write", asks=("pay", "standing order"))
    assert asks_for("Change my standing order", "send_money", pay)
    assert not asks_for("Send money; my payment is late", "send_money", pay)


def test_an_identifier_is_no_file_name() -> None:
    addresses = ("a@b.org", "www.b.org", "https://b.org", "b.org/in", "GB29NWBK60161331926819")
    assert all(map(is_identifier, addresses))
    assert not any(map(is_identifier, ("notes.md", "report.txt", "Alice", "1234567890", "b.org")))
