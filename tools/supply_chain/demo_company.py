"""Who is who in the generated company: countries, suppliers, items, names to make a sanctions list of. All of it is invented.

The country codes are from ISO's range for private use, so that nothing here says anything about a real country.
"""

from dataclasses import dataclass

WAREHOUSE = "Clearwater Central Warehouse"


@dataclass(frozen=True)
class DemoCountry:
    """`governance` is the level its six indicators vary around, on the World Bank's scale of -2.5 to 2.5."""

    iso3: str
    name: str
    governance: float


@dataclass(frozen=True)
class DemoSupplier:
    """`lines` order lines made at `site` in `country` (None: unknown), `late` of them by about `days`; `size` scales orders."""

    name: str
    site: str
    country: str | None
    groups: tuple[str, ...]
    lines: int
    late: float
    days: int
    size: float


@dataclass(frozen=True)
class DemoItem:
    """`only`: the one supplier that makes it. `price` is in US cents a pack."""

    description: str
    group: str
    sub: str
    molecule: str
    price: int
    only: str = ""


MAKERS = (
    DemoCountry("QMA", "Aldmere", 1.35),
    DemoCountry("QMB", "Brenholt", 1.05),
    DemoCountry("QMC", "Corvane", 0.45),
    DemoCountry("QMD", "Dunmarra", -0.15),
    DemoCountry("QME", "Estravia", -0.45),
    DemoCountry("QMF", "Karasund", -1.95),
)
# Two destinations share a word on purpose: "Velda" alone is a question to ask back.
DESTINATIONS = (
    DemoCountry("QNA", "Velda", -0.6),
    DemoCountry("QNB", "Velda Republic", -1.5),
    DemoCountry("QNC", "Ostrin", -0.4),
    DemoCountry("QND", "Palaneth", -0.9),
    DemoCountry("QNE", "Quellin", -0.7),
    DemoCountry("QNF", "Rhovar", -1.1),
    DemoCountry("QNG", "Soldane", 0.1),
    DemoCountry("QNH", "Tamboro", -0.8),
)
BOTH = ("ARV", "ANTM")
TESTS = ("HRDT", "MRDT")
SUPPLIERS = (
    DemoSupplier("Halden Biologics Ltd", "Halden Biologics, Aldmere", "QMA", ("ARV",), 120, 0.09, 12, 3.2),
    DemoSupplier("Brackwater Pharma plc", "Brackwater, unit 2, Dunmarra", "QMD", BOTH, 70, 0.6, 38, 2.2),
    DemoSupplier("Oskvar Laboratories", "Oskvar Laboratories, Karasund", "QMF", BOTH, 55, 0.2, 18, 1.8),
    DemoSupplier(
        "MERIDANE HEALTH (FORMERLY CASTELLANE LABS)", "Meridane (Castellane) Estravia", "QME", ("ARV",), 60, 0.08, 14, 1.4
    ),
    DemoSupplier("Ravenmoor Diagnostics", "Ravenmoor Diagnostics, Brenholt", "QMB", TESTS, 50, 0.07, 9, 1.4),
    DemoSupplier("Tamsin Orchid Trading Company", "Tamsin Orchid, Corvane", "QMC", BOTH, 24, 0.08, 11, 0.7),
    DemoSupplier("Pellworth Generics", "Pellworth plant 1, Corvane", "QMC", BOTH, 48, 0.1, 13, 1.2),
    DemoSupplier("Sundrey Medical Supplies", "Sundrey Medical", None, TESTS, 18, 0.11, 10, 0.6),
    DemoSupplier("Arkell & Voss GmbH", "Arkell & Voss, Brenholt", "QMB", ("ARV",), 40, 0.05, 8, 1.1),
    DemoSupplier("Bellamont Sciences", "Bellamont, Aldmere", "QMA", ("ARV",), 36, 0.08, 12, 1.0),
    DemoSupplier("Caddoway Pharmaceuticals", "Caddoway, unit 4, Dunmarra", "QMD", BOTH, 36, 0.14, 16, 0.9),
    DemoSupplier("Dorneck Test Systems", "Dorneck, Aldmere", "QMA", TESTS, 34, 0.06, 9, 0.9),
    DemoSupplier("Ellingham Remedies", "Ellingham, Estravia", "QME", ("ACT", "ANTM"), 30, 0.13, 15, 0.9),
    DemoSupplier("Fairlock Bioassay", "Fairlock Bioassay, Corvane", "QMC", TESTS, 28, 0.07, 10, 0.8),
    DemoSupplier("Gorsehill Labs", "Gorsehill, Dunmarra", "QMD", ("ARV",), 26, 0.12, 14, 0.8),
    DemoSupplier("Harrowgate Export", "Harrowgate Export, Brenholt", "QMB", BOTH, 22, 0.09, 12, 0.7),
    DemoSupplier("Inverlay Medical", "Inverlay, Aldmere", "QMA", TESTS, 20, 0.05, 7, 0.7),
    DemoSupplier("Jorrick Chemie", "Jorrick Chemie, Brenholt", "QMB", ("ACT", "ANTM"), 18, 0.11, 13, 0.6),
    DemoSupplier("Kestrelbank Pharma", "Kestrelbank, Corvane", "QMC", ("ARV",), 15, 0.13, 15, 0.6),
    DemoSupplier("Lowmoor Health", "Lowmoor, Estravia", "QME", ("ACT", "ANTM"), 12, 0.08, 10, 0.5),
    DemoSupplier("Marrable Instruments", "Marrable Instruments, Aldmere", "QMA", TESTS, 8, 0.12, 9, 0.4),
    DemoSupplier("Northolm Wholesale", "Northolm Wholesale, Dunmarra", "QMD", BOTH, 6, 0.17, 20, 0.4),
    DemoSupplier("Ottershaw Kits", "Ottershaw Kits, Corvane", "QMC", TESTS, 4, 0.0, 0, 0.3),
    DemoSupplier("Penhallow & Daughters", "Penhallow, Brenholt", "QMB", BOTH, 3, 0.34, 6, 0.2),
)
WAREHOUSE_LINES = 717
ITEMS = (
    DemoItem("Zelovirine 300mg, tablets, 60 Tabs", "ARV", "Adult", "Zelovirine", 845),
    DemoItem("Zelovirine 50mg, dispersible tablets, 60 Tabs", "ARV", "Pediatric", "Zelovirine", 512),
    DemoItem("Namitrovir 150mg, tablets, 60 Tabs", "ARV", "Adult", "Namitrovir", 396),
    DemoItem("Namitrovir 10mg/ml, oral solution, Bottle, 240 ml", "ARV", "Pediatric", "Namitrovir", 278),
    DemoItem("Zelovirine/Namitrovir 300/150mg, tablets, 60 Tabs", "ARV", "Adult", "Zelovirine/Namitrovir", 1120),
    DemoItem("Ketravudine 600mg, tablets, 30 Tabs", "ARV", "Adult", "Ketravudine", 634),
    DemoItem("Ketravudine 200mg, capsules, 90 Caps", "ARV", "Pediatric", "Ketravudine", 705),
    DemoItem("Olparinavir 400mg, tablets, 60 Tabs", "ARV", "Adult", "Olparinavir", 2240),
    DemoItem("Dihydromesan/Lufantrel 20/120mg, blister, 24 Tabs", "ACT", "ACT", "Dihydromesan/Lufantrel", 118),
    DemoItem("Dihydromesan/Amodarel 100/270mg, blister, 6 Tabs", "ACT", "ACT", "Dihydromesan/Amodarel", 64),
    DemoItem("Quinarsone 60mg/ml, injection, 10 Amps", "ANTM", "Malaria", "Quinarsone", 415),
    DemoItem("Sulfadexine 500mg, tablets, 1000 Tabs", "ANTM", "Malaria", "Sulfadexine", 2930),
    DemoItem("HIV 1/2, Lumera rapid test kit, 100 Tests", "HRDT", "HIV test", "HIV 1/2, Lumera", 8000),
    DemoItem("HIV 1/2, Sentane confirmation kit, 20 Tests", "HRDT", "HIV test", "HIV 1/2, Sentane", 3200),
    DemoItem("HIV test, Lumera buffer, 100 ml", "HRDT", "HIV test - Ancillary", "Lumera buffer", 950),
    DemoItem("Corvexa rapid test, 50 Tests", "HRDT", "HIV test", "Corvexa", 6150, only="Ravenmoor Diagnostics"),
    DemoItem("Malaria, Pantrel antigen test, 25 Tests", "MRDT", "Malaria", "Pantrel", 1375),
    DemoItem("Malaria, Pantrel combined test, 25 Tests", "MRDT", "Malaria", "Pantrel combined", 1590),
)

FIRST = ("Anselm", "Borya", "Calder", "Dimos", "Edrik", "Farouz", "Goran", "Hadric", "Ismet", "Jovan", "Kaspar", "Lazlo")
LAST = ("ABRENNO", "BOLVAREZ", "CHERNIK", "DRAVOSKI", "ELMURAD", "FENNARI", "GAZDIK", "HALVARSI", "IDRUNOV", "JASKARI")
TRADES = ("SHIPPING", "METALS", "EXCHANGE HOUSE", "AVIATION", "PETROLEUM", "HOLDINGS", "CONSTRUCTION")
PROGRAMMES = ("KARASUND-1", "NARCOTICS-X", "ARMS-Q", "CYBER-Z")
LOOKALIKE = ("TAMSIN ORCHARD TRADING CO.", 9001)
