"""The columns an order line can have: what they are called, what kind of cell they hold, and which of them a file must have.

The importer of anybody's file maps columns onto these; the read tools name them when they need one that the data does not have.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "day", "number", "country", "mode", "currency"]


@dataclass(frozen=True)
class OrderColumn:
    """One column. `words` are headings people give it, in lower case without punctuation."""

    name: str
    title: str
    kind: Kind
    words: tuple[str, ...]


ORDER_COLUMNS: dict[str, OrderColumn] = {
    column.name: column
    for column in (
        OrderColumn("supplier", "supplier", "text", ("supplier", "supplier name", "vendor", "vendor name", "seller", "creditor",
            "lieferant", "lieferantenname", "kreditor", "fournisseur", "proveedor")),
        OrderColumn("line", "line number", "text", ("line", "line no", "line id", "line number",
            "po line number", "id", "order line", "po line", "position", "row id",
            "line key", "beleg nr", "belegnummer", "positions nr", "positionsnummer")),
        OrderColumn("order", "order number", "text", ("order", "order number", "order no", "po", "po number", "po so",
            "purchase order", "bestellung", "bestellnummer", "bestell nr", "auftragsnummer", "commande")),
        OrderColumn("ordered", "order date", "day", ("order date", "ordered", "ordered on", "po date", "date", "document date",
            "posting date", "invoice date", "bestelldatum", "datum", "buchungsdatum", "date de commande")),
        OrderColumn("scheduled", "scheduled delivery date", "day", ("scheduled delivery date", "scheduled", "due date", "due",
            "promised date", "promised", "planned delivery", "requested delivery date", "expected delivery", "eta", "liefertermin",
            "wunschtermin", "termin", "geplante lieferung", "date prevue")),
        OrderColumn("delivered", "actual delivery date", "day", ("delivered", "delivered on", "delivery date",
            "actual delivery date", "delivered to client date", "goods receipt date", "received", "received on", "receipt date",
            "arrival", "arrived", "lieferdatum", "geliefert", "geliefert am", "wareneingang", "wareneingangsdatum",
            "date de livraison")),
        OrderColumn("value", "order value", "number", ("value", "line value", "line item value", "order value", "amount",
            "net amount", "net value", "total", "total value", "total price", "line total", "spend", "cost", "invoice amount",
            "betrag", "nettobetrag", "wert", "bestellwert", "nettowert", "summe", "montant")),
        OrderColumn("quantity", "quantity", "number", ("quantity", "qty", "units", "pieces", "line item quantity",
            "order quantity", "ordered quantity", "menge", "anzahl", "bestellmenge", "quantite")),
        OrderColumn("unit_price", "unit price", "number", ("unit price", "price", "price per unit", "unit cost", "stueckpreis",
            "stuckpreis", "einzelpreis", "preis", "prix unitaire")),
        OrderColumn("currency", "currency", "currency", ("currency", "currency code", "curr", "waehrung", "wahrung", "devise")),
        OrderColumn("item", "item", "text", ("item", "item description", "description", "material", "product", "article", "part",
            "part name", "sku", "artikel", "artikelbezeichnung", "bezeichnung", "produkt", "article description")),
        OrderColumn("product_group", "product group", "text", ("product group", "category", "commodity", "material group",
            "product category", "warengruppe", "kategorie", "produktgruppe", "categorie")),
        OrderColumn("site", "manufacturing site", "text", ("manufacturing site", "site", "plant", "factory", "works", "werk",
            "produktionsstandort", "herstellungsort", "usine")),
        OrderColumn("site_country", "country of manufacture", "country", ("country of manufacture", "country of origin", "origin",
            "origin country", "manufacturing country", "supplier country", "vendor country", "made in", "ursprungsland",
            "herkunftsland", "lieferantenland", "pays d origine")),
        OrderColumn("destination", "destination country", "country", ("destination country", "destination", "ship to country",
            "ship to", "delivery country", "deliver to", "receiving country", "zielland", "empfangsland", "lieferland",
            "pays de destination")),
        OrderColumn("mode", "shipment mode", "mode", ("shipment mode", "mode", "transport mode", "mode of transport", "ship mode",
            "shipping method", "transport", "versandart", "transportart", "transportmittel")),
        OrderColumn("shipment", "shipment number", "text", ("shipment", "shipment number", "asn dn", "asn", "delivery note",
            "delivery number", "tracking number", "awb", "lieferschein", "lieferscheinnummer", "sendung")),
        OrderColumn("weight", "weight in kilograms", "number", ("weight", "weight kg", "weight kilograms", "gross weight",
            "gross weight kg", "gewicht", "gewicht kg", "bruttogewicht", "poids")),
        OrderColumn("freight", "freight cost", "number", ("freight", "freight cost", "freight cost usd", "shipping cost",
            "transport cost", "fracht", "frachtkosten", "versandkosten", "fret")),
        OrderColumn("insurance", "insurance cost", "number", ("insurance", "insurance cost", "line item insurance",
            "versicherung", "assurance")),
    )
}  # fmt: skip

DAYS = ("scheduled", "delivered", "ordered")
AMOUNTS = ("value", "quantity")


def lacking(columns: frozenset[str]) -> tuple[str, ...]:
    """What an order line needs at the least and these columns do not give, in words; empty when they suffice."""
    said = []
    if "supplier" not in columns:
        said.append("a supplier")
    if not columns & set(DAYS):
        said.append("a date (ordered, scheduled or delivered)")
    if not columns & set(AMOUNTS):
        said.append("an order value or a quantity")
    return tuple(said)


def answered(columns: frozenset[str]) -> frozenset[str]:
    """The columns that order lines will have once these are imported: a value follows from a price and a quantity."""
    return columns | ({"value"} if {"unit_price", "quantity"} <= columns else frozenset())
