"""The views that `query_records` may read, and people by a citation: the system of record in plain columns, money in dollars, weight in
kilograms."""

from sqlalchemy import Float, cast, select

from tools.query import View
from tools.supply_chain.tables import cases, indicators, items, order_lines, sanctions, shipments, sites, suppliers

_line = order_lines.c

ORDERS = View(
    name="orders",
    description="order lines with supplier, item and site",
    definition=select(
        _line.id.label("line_id"),
        _line.supplier_id,
        suppliers.c.name.label("supplier"),
        suppliers.c.internal.label("internal_warehouse"),
        _line.item_id,
        items.c.description.label("item"),
        items.c.product_group,
        items.c.sub_classification,
        _line.site_id,
        sites.c.name.label("site"),
        sites.c.iso3.label("site_country"),
        _line.shipment_id,
        _line.destination,
        _line.destination_iso3.label("destination_country"),
        _line.fulfil_via,
        _line.mode,
        _line.day,
        _line.ordered,
        _line.scheduled,
        _line.delivered,
        _line.quantity,
        (cast(_line.value_cents, Float) / 100).label("value_usd"),
        (cast(_line.weight_grams, Float) / 1000).label("weight_kg"),
        (cast(_line.freight_cents, Float) / 100).label("freight_usd"),
        (cast(_line.insurance_cents, Float) / 100).label("insurance_usd"),
    )
    .join(suppliers, suppliers.c.id == _line.supplier_id)
    .outerjoin(items, items.c.id == _line.item_id)
    .outerjoin(sites, sites.c.id == _line.site_id),
    table="order_lines",
    key="line_id",
    columns={
        "line_id": "text",
        "supplier_id": "text",
        "supplier": "text",
        "internal_warehouse": "text",
        "item_id": "text",
        "item": "text",
        "product_group": "text",
        "sub_classification": "text",
        "site_id": "text",
        "site": "text",
        "site_country": "text",
        "shipment_id": "text",
        "destination": "text",
        "destination_country": "text",
        "fulfil_via": "text",
        "mode": "text",
        "day": "date",
        "ordered": "date",
        "scheduled": "date",
        "delivered": "date",
        "quantity": "count",
        "value_usd": "usd",
        "weight_kg": "kg",
        "freight_usd": "usd",
        "insurance_usd": "usd",
    },
)
SHIPMENTS = View(
    name="shipment_list",
    description="shipments with mode and destination",
    definition=select(shipments.c.id.label("shipment_id"), shipments.c.reference, shipments.c.mode, shipments.c.iso3),
    table="shipments",
    key="shipment_id",
    columns={"shipment_id": "text", "reference": "text", "mode": "text", "iso3": "text"},
)
GOVERNANCE = View(
    name="governance",
    description="governance indicators by country and year (cc ge pv rl rq va)",
    definition=select(
        indicators.c.id.label("indicator_id"),
        indicators.c.iso3,
        indicators.c.country,
        indicators.c.year,
        indicators.c.indicator,
        indicators.c.estimate,
        indicators.c.percentile,
    ),
    table="indicators",
    key="indicator_id",
    columns={
        "indicator_id": "text",
        "iso3": "text",
        "country": "text",
        "year": "text",
        "indicator": "text",
        "estimate": "index",
        "percentile": "index",
    },
    data_class="public",
)
ENTRIES = View(
    name="sanctions_entries",
    description="the sanctions list",
    definition=select(
        sanctions.c.id.label("entry_id"), sanctions.c.name, sanctions.c.kind, sanctions.c.programme, sanctions.c.list_date
    ),
    table="sanctions",
    key="entry_id",
    columns={"entry_id": "text", "name": "text", "kind": "text", "programme": "text", "list_date": "date"},
    data_class="public",
)
CASES = View(
    name="case_list",
    description="escalation cases",
    definition=select(
        cases.c.id.label("case_id"),
        cases.c.supplier_id,
        suppliers.c.name.label("supplier"),
        cases.c.title,
        cases.c.severity,
        cases.c.owner,
        cases.c.due,
        cases.c.status,
    ).join(suppliers, suppliers.c.id == cases.c.supplier_id),
    table="cases",
    key="case_id",
    columns={
        "case_id": "text",
        "supplier_id": "text",
        "supplier": "text",
        "title": "text",
        "severity": "text",
        "owner": "text",
        "due": "date",
        "status": "text",
    },
)
SUPPLIERS = View(
    name="supplier_list",
    description="suppliers by their current name",
    definition=select(
        suppliers.c.id.label("supplier_id"),
        suppliers.c.name.label("supplier"),
        suppliers.c.internal.label("internal_warehouse"),
    ),
    table="suppliers",
    key="supplier_id",
    columns={"supplier_id": "text", "supplier": "text", "internal_warehouse": "text"},
)
VIEWS = (ORDERS, SHIPMENTS, GOVERNANCE, ENTRIES, CASES)
OPENED = (*VIEWS, SUPPLIERS)
"""What people may open the records behind a figure by: one for each table that a result cites."""
