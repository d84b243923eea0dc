"""The system of record of the sample domain: suppliers, items, sites, order lines, shipments, indicators, sanctions, cases.

Filled by the importers or the demo generator; read by the read tools over a read-only connection; only the case tools write.
Money is in US cents, weights in grams, so that sums are exact in every database.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

countries = Table(
    "countries",
    metadata,
    Column("iso3", String(3), primary_key=True),
    Column("name", String(100), nullable=False),
)
suppliers = Table(
    "suppliers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("internal", Boolean, nullable=False, comment="an own warehouse under a vendor's name: no supplier"),
)
supplier_names = Table(
    "supplier_names",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("supplier_id", ForeignKey("suppliers.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(20), nullable=False, comment="current, former or alias"),
    UniqueConstraint("supplier_id", "name"),
)
items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("description", Text, nullable=False, unique=True),
    Column("product_group", String(50), nullable=False),
    Column("sub_classification", String(100), nullable=False),
    Column("molecule", String(200), nullable=False),
)
sites = Table(
    "sites",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("iso3", String(3), comment="null: unknown"),
)
shipments = Table(
    "shipments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reference", String(50), nullable=False, unique=True, comment="ASN or DN number"),
    Column("mode", String(30), comment="null: not recorded"),
    Column("iso3", String(3), comment="destination; null: unknown"),
)
order_lines = Table(
    "order_lines",
    metadata,
    Column("id", Integer, primary_key=True, comment="the publisher's line id, or the next free number"),
    Column("key", String(150), unique=True, comment="own data: the line's number there, or file and row; else null"),
    Column("supplier_id", ForeignKey("suppliers.id"), nullable=False, index=True),
    Column("item_id", ForeignKey("items.id"), index=True),
    Column("site_id", ForeignKey("sites.id"), index=True),
    Column("shipment_id", ForeignKey("shipments.id"), index=True),
    Column("order_reference", String(50)),
    Column("vendor_name", String(200), nullable=False, comment="as the source wrote it"),
    Column("destination", String(100), comment="country as the source wrote it"),
    Column("destination_iso3", String(3)),
    Column("fulfil_via", String(20), nullable=False, comment="Direct Drop or From RDC"),
    Column("mode", String(30), comment="null: not recorded"),
    Column("day", Date, nullable=False, comment="what years go by: scheduled, else ordered, else delivered"),
    Column("ordered", Date),
    Column("scheduled", Date),
    Column("delivered", Date),
    Column("quantity", BigInteger),
    Column("value_cents", BigInteger),
    Column("weight_grams", BigInteger, comment="null: text in the source, see weight_note"),
    Column("weight_note", String(100)),
    Column("freight_cents", BigInteger, comment="null: text in the source, see freight_note"),
    Column("freight_note", String(100)),
    Column("insurance_cents", BigInteger),
    Column("source", String(100), nullable=False, comment="file or generator that the line came from"),
    Index("order_lines_day", "day"),
)
indicators = Table(
    "indicators",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("iso3", String(3), nullable=False),
    Column("country", String(100), nullable=False),
    Column("year", Integer, nullable=False),
    Column("indicator", String(2), nullable=False, comment="cc ge pv rl rq va"),
    Column("estimate", Float),
    Column("percentile", Float),
    UniqueConstraint("iso3", "year", "indicator"),
)
sanctions = Table(
    "sanctions",
    metadata,
    Column("id", Integer, primary_key=True, comment="the publisher's entry number"),
    Column("name", String(400), nullable=False),
    Column("kind", String(30), comment="individual, vessel, aircraft or null for an organisation"),
    Column("programme", String(200), nullable=False),
    Column("remarks", Text),
    Column("list_date", Date, nullable=False),
)
cases = Table(
    "cases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True, comment="idempotency key of the call that opened it"),
    Column("supplier_id", ForeignKey("suppliers.id"), nullable=False, index=True),
    Column("title", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("severity", String(10), nullable=False, comment="medium, high or critical"),
    Column("owner", String(100), nullable=False),
    Column("due", Date, nullable=False),
    Column("status", String(10), nullable=False, comment="open or closed"),
    Column("opened_by", String(100), nullable=False),
    Column("opened_at", DateTime, nullable=False),
    Column("closed_at", DateTime),
    Column("resolution", Text),
)
case_events = Table(
    "case_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False, index=True),
    Column("key", String(64), nullable=False, comment="idempotency key of the call"),
    Column("kind", String(20), nullable=False, comment="opened, assigned, note, due, reminded, closed"),
    Column("actor", String(100), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", DateTime, nullable=False),
    UniqueConstraint("key", "kind"),
)
notifications = Table(
    "notifications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("recipient", String(100), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("case_id", ForeignKey("cases.id")),
    Column("at", DateTime, nullable=False),
)
imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(50), nullable=False, comment="scms, orders, sites, wgi, sdn or demo"),
    Column("path", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("read", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("at", DateTime, nullable=False),
)
mappings = Table(
    "mappings",
    metadata,
    Column("fingerprint", String(16), primary_key=True, comment="of the header that the mapping is for"),
    Column("path", Text, nullable=False, comment="the file it was confirmed for"),
    Column("mapping", Text, nullable=False, comment="JSON"),
    Column("at", DateTime, nullable=False),
)
