"""A generated company, so that a first start needs no files: the same shape as the real records, nothing of it real.

`make_demo` writes 1,500 order lines of 2012 to 2015 (24 suppliers and an own warehouse, 18 items), indicators for its countries
and a small sanctions list, as rows like the publishers', through the importers' own loaders. One seed always gives the same
database. What is to be found in it, also as `PLANTED`:

- Halden Biologics Ltd takes far more of the spend than anybody else.
- Brackwater Pharma plc delivers late far more often, and later, than anybody else.
- Oskvar Laboratories makes everything in Karasund, by far the least stable country.
- The Corvexa rapid test comes from Ravenmoor Diagnostics only.
- Tamsin Orchid Trading Company is not TAMSIN ORCHARD TRADING CO. of the sanctions list, but the names are alike.
- Meridane Health was Castellane Labs.
- The site of Sundrey Medical Supplies is in no known country.
- Clearwater Central Warehouse is an own warehouse, no supplier. Four lines in ten have text for freight; 50 have no mode.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from database import Database
from tools.supply_chain import demo_company as who
from tools.supply_chain.importers.report import ImportReport, Progress, Tally, quiet
from tools.supply_chain.importers.scms import Company, load_lines
from tools.supply_chain.importers.sdn import EMPTY, load_list
from tools.supply_chain.importers.sites import load_sites
from tools.supply_chain.importers.source_file import Row
from tools.supply_chain.importers.wgi import KINDS, load_indicators
from tools.supply_chain.importers.writing import record, refuse_mixing

LIST_DATE = date(2016, 1, 15)
FIRST_DAY, DAYS = date(2012, 1, 2), 1440
YEARS = range(2011, 2017)
WITHOUT_MODE = 50
MODES = ("Air", "Air", "Air", "Truck", "Truck", "Ocean")


@dataclass(frozen=True)
class Planted:
    """What is to be found in the generated company."""

    concentrated: str = "Halden Biologics Ltd"
    late: str = "Brackwater Pharma plc"
    unstable: str = "Oskvar Laboratories"
    unstable_country: str = "Karasund"
    single_sourced: str = "Corvexa rapid test, 50 Tests"
    single_source: str = "Ravenmoor Diagnostics"
    lookalike: str = "Tamsin Orchid Trading Company"
    lookalike_entry: int = who.LOOKALIKE[1]
    renamed: str = "MERIDANE HEALTH (FORMERLY CASTELLANE LABS)"
    former_name: str = "CASTELLANE LABS"
    unknown_site: str = "Sundrey Medical Supplies"
    internal: str = who.WAREHOUSE
    ambiguous_country: str = "Velda"
    lines: int = 1500
    without_mode: int = WITHOUT_MODE


PLANTED = Planted()


def make_demo(db: Database, seed: int = 7, progress: Progress = quiet) -> ImportReport:
    """Write the generated company. Another seed changes dates, amounts and delays, not who is there.

    Raises `ImportProblem` when real records are loaded: the two must not mix.
    """
    rng = random.Random(seed)
    lines, sites, values, entries = _lines(rng), _sites(), list(_indicators(rng)), list(_sanctions(rng))
    everything = [lines, sites, values, entries]
    total = sum(map(len, everything))
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    codes = {country.name: country.iso3 for country in who.DESTINATIONS}
    company = Company(internal=frozenset({who.WAREHOUSE}), destinations=codes)
    tally = Tally(read=total)

    def work(connection: Connection) -> ImportReport:
        refuse_mixing(connection, "demo")
        load_lines(connection, enumerate(lines, 1), tally, "demo", company)
        load_sites(connection, enumerate(sites, 1), tally)
        load_indicators(connection, enumerate(values, 1), tally)
        load_list(connection, enumerate(entries, 1), tally, LIST_DATE)
        report = tally.report("demo", f"generated, seed {seed}", digest)
        record(connection, report)
        return report

    report = db.run_sync(work)
    progress(total, total)
    return report


def _lines(rng: random.Random) -> list[Row]:
    """Every supplier's lines and the warehouse's, shuffled, numbered from 1."""
    orders = [order for supplier in who.SUPPLIERS for order in _supplier_lines(rng, supplier)]
    orders += [_warehouse_line(rng, number) for number in range(who.WAREHOUSE_LINES)]
    rng.shuffle(orders)
    without_mode = set(rng.sample(range(len(orders)), WITHOUT_MODE))
    for index, order in enumerate(orders):
        kind = "ASN" if order["fulfill via"] == "Direct Drop" else "DN"
        order |= {"id": str(index + 1), "po / so #": f"PO-{1 + index // 2}", "asn/dn #": f"{kind}-{index + 1}"}
        order |= _freight(rng, index + 1, kind)
        order["shipment mode"] = "" if index in without_mode else rng.choice(MODES)
    return orders


def _supplier_lines(rng: random.Random, supplier: who.DemoSupplier) -> list[Row]:
    """The supplier's lines, exactly its share of them late; each of its items at least once where the lines suffice."""
    goods = [item for item in who.ITEMS if item.group in supplier.groups and item.only in ("", supplier.name)]
    late = set(rng.sample(range(supplier.lines), round(supplier.lines * supplier.late)))
    made = []
    for number in range(supplier.lines):
        item = goods[number] if number < len(goods) else rng.choice(goods)
        days = max(1, round(supplier.days * rng.uniform(0.5, 1.5))) if number in late else -rng.choice((0, 0, 0, 1, 3))
        made.append(_order(rng, item, supplier.name, supplier.site, supplier.size, days) | {"fulfill via": "Direct Drop"})
    return made


def _warehouse_line(rng: random.Random, number: int) -> Row:
    """A line from the own warehouse: of an item that several suppliers make, from one of their sites."""
    shared = [item for item in who.ITEMS if not item.only]
    item = shared[number % len(shared)]
    makers = [supplier for supplier in who.SUPPLIERS if item.group in supplier.groups]
    days = rng.randint(1, 30) if rng.random() < 0.1 else -rng.choice((0, 0, 1))
    return _order(rng, item, who.WAREHOUSE, rng.choice(makers).site, 0.8, days) | {"fulfill via": "From RDC"}


def _order(rng: random.Random, item: who.DemoItem, vendor: str, site: str, size: float, days: int) -> Row:
    """A line without its number, mode and freight. Orders are worth about 20,000 dollars times `size`."""
    scheduled = FIRST_DAY + timedelta(days=rng.randrange(DAYS))
    quantity = max(1, round(2_000_000 * size * rng.uniform(0.4, 1.6) / item.price))
    cents = quantity * item.price
    return {
        "country": rng.choice(who.DESTINATIONS).name,
        "scheduled delivery date": _day(scheduled),
        "delivered to client date": _day(scheduled + timedelta(days=days)),
        "product group": item.group,
        "sub classification": item.sub,
        "vendor": vendor,
        "item description": item.description,
        "molecule/test type": item.molecule,
        "line item quantity": str(quantity),
        "line item value": _dollars(cents),
        "manufacturing site": site,
        "line item insurance (usd)": _dollars(cents // 600),
    }


def _freight(rng: random.Random, id: int, kind: str) -> Row:
    """Weight and freight: numbers for six lines in ten, the publisher's kinds of text for the others."""
    chance = rng.random()
    if chance < 0.2:
        other = rng.randint(1, max(1, id - 1))
        see = f"See {kind}-{other} (ID#:{other})"
        return {"weight (kilograms)": see, "freight cost (usd)": see}
    if chance < 0.4:
        said = "Freight Included in Commodity Cost" if chance < 0.35 else "Invoiced Separately"
        return {"weight (kilograms)": "Weight Captured Separately", "freight cost (usd)": said}
    weight = rng.randint(20, 4000)
    return {"weight (kilograms)": str(weight), "freight cost (usd)": _dollars(round(weight * rng.uniform(150, 900)))}


def _sites() -> list[Row]:
    return [{"manufacturing_site": supplier.site, "iso3": supplier.country or ""} for supplier in who.SUPPLIERS]


def _indicators(rng: random.Random) -> Iterator[Row]:
    """Six indicators a country and year; as with the real ones, some are missing: here all of Quellin's of 2013."""
    for country in (*who.MAKERS, *who.DESTINATIONS):
        for year in YEARS:
            for kind in KINDS:
                estimate = max(-2.5, min(2.5, country.governance + rng.uniform(-0.2, 0.2)))
                missing = (country.name, year) == ("Quellin", 2013)
                yield {
                    "code": country.iso3,
                    "countryname": country.name,
                    "year": str(year),
                    "indicator": kind,
                    "estimate": ".." if missing else f"{estimate:.2f}",
                    "pctrank": ".." if missing else f"{(estimate + 2.5) * 20:.1f}",
                }


def _sanctions(rng: random.Random) -> Iterator[Row]:
    """120 invented people and companies, and the one whose name is like a supplier's."""
    pairs = [(first, last) for first in who.FIRST for last in who.LAST]
    for number, (first, last) in enumerate(pairs):
        company = number % 3 == 0
        name = f"{last} {rng.choice(who.TRADES)} LLC" if company else f"{last}, {first}"
        yield _entry(100 + number, name, EMPTY if company else "individual", rng.choice(who.PROGRAMMES), EMPTY)
    name, number = who.LOOKALIKE
    yield _entry(number, name, EMPTY, "KARASUND-1", "Fruit wholesaler; registered in Karasund.")


def _entry(id: int, name: str, kind: str, programme: str, remarks: str) -> Row:
    return {"id": str(id), "name": name, "type": kind, "programme": programme, "remarks": remarks}


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _day(day: date) -> str:
    return day.isoformat()
