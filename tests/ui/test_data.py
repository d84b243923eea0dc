"""Own records at a browser: a file is dropped, its columns are mapped, and the answer cites its rows."""

from pathlib import Path

from playwright.sync_api import expect

from tests.ui.conftest import Watched, accessible

OWN = """Lieferant;Bestelldatum;Nettobetrag (EUR);Menge;Liefertermin;Geliefert am;Lager
Acme GmbH;31.01.2014;1.234,50;5;28.02.2014;05.03.2014;Nord
Beta AG;28.02.2014;99,95;2;31.03.2014;30.03.2014;Süd
Acme GmbH;15.03.2014;10,00;1;15.04.2014;15.04.2014;Nord
Beta AG;32.01.2015;7,00;1;28.02.2015;01.03.2015;Nord
"""


def test_own_file_from_upload_to_answer(watched: Watched, tmp_path: Path) -> None:
    watched.forgiven = lambda said: "422" in said  # the browser says of every refused request that it was
    page = watched.tab("#/data")
    expect(page.get_by_role("heading", name="The generated sample company")).to_be_visible()
    accessible(page)

    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 this is no workbook")
    page.get_by_label("Choose a file").set_input_files(tmp_path / "broken.xlsx")
    expect(page.get_by_role("alert")).to_contain_text("broken.xlsx")
    (tmp_path / "orders.csv").write_bytes(OWN.encode("cp1252"))
    page.get_by_label("Choose a file").set_input_files(tmp_path / "orders.csv")
    mapping = page.get_by_role("group", name="How the file is read")
    expect(mapping).to_contain_text("4 rows")
    load = mapping.get_by_role("button", name="Load")
    expect(load).to_be_disabled()
    expect(mapping.get_by_label("What Lieferant is")).to_have_value("supplier")
    expect(mapping.get_by_label("What Lager is")).to_have_value("")

    mapping.get_by_label("US dollars for one EUR").fill("1.10")
    mapping.get_by_role("button", name="Set").click()
    expect(mapping.get_by_label("US dollars for one EUR")).to_have_count(0)
    mapping.get_by_label("What Lieferant is").select_option("")
    expect(mapping).to_contain_text("An order line needs a supplier")
    mapping.get_by_label("What Lieferant is").select_option("supplier")
    expect(mapping).not_to_contain_text("An order line needs")
    mapping.get_by_label("What Geliefert am is").select_option("")
    mapping.get_by_label("What Geliefert am is").select_option("delivered")
    expect(mapping.get_by_label("How Geliefert am is read")).to_have_value("dmy")
    mapping.get_by_label("What Bestelldatum is").select_option("ordered")
    expect(mapping.get_by_label("How Bestelldatum is read")).to_have_value("dmy")
    accessible(page)
    expect(load).to_be_disabled()
    mapping.get_by_label("Delete every record that is there").check()
    load.click()

    result = page.get_by_role("status").filter(has_text="orders.csv is loaded: 3 of 4 rows.")
    expect(result).to_contain_text("1 row was left out")
    expect(page.get_by_role("heading", name="Your own records")).to_be_visible()
    expect(page.get_by_role("heading", name="Headings that are known")).to_be_visible()
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})

    result.get_by_role("link", name="Who is the worst on delivery?").click()
    page.get_by_role("button", name="Send").click()
    report = page.locator("article.report")
    expect(report).to_contain_text("Acme GmbH")
    report.get_by_role("button", name="Source 1", exact=True).first.click()
    expect(page.get_by_role("tabpanel")).to_contain_text("orders.csv")
