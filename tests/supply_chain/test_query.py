"""`query_records`: what runs, what it cites, and what is refused."""

from decimal import Decimal

import pytest

from tests.supply_chain.bench import Bench
from tools import query
from tools.query import query_tool
from tools.registry import ToolError
from tools.supply_chain.views import VIEWS

ask = query_tool(VIEWS)


def test_rows_with_their_key_cite_single_records(bench: Bench) -> None:
    result = bench.run(ask, sql="SELECT line_id, supplier, value_usd FROM orders ORDER BY value_usd DESC LIMIT 3")
    assert len(result.rows) == 3
    assert [row.records.expand() for row in result.rows] == [[row.line_id] for row in result.rows]
    assert result.columns[2].unit == "usd" and isinstance(result.rows[0].value_usd, Decimal)
    assert result.rows[0].records.table == "order_lines"


def test_an_aggregate_cites_what_its_filter_selects(bench: Bench) -> None:
    result = bench.run(ask, sql="SELECT COUNT(*) AS n, SUM(value_usd) AS spend FROM orders WHERE fulfil_via = 'Direct Drop'")
    assert result.rows[0].n == 4920 and result.rows[0].records.count == 4920
    assert result.rows[0].spend == Decimal("542212022.34")
    assert [column.unit for column in result.columns] == ["count", "usd"]


def test_joins_and_common_table_expressions_run(bench: Bench) -> None:
    sql = """WITH spend AS (SELECT site_country, SUM(value_usd) AS usd FROM orders GROUP BY site_country)
             SELECT s.site_country, s.usd, g.estimate FROM spend s JOIN governance g
             ON g.iso3 = s.site_country AND g.year = 2015 AND g.indicator = 'pv' ORDER BY s.usd DESC"""
    result = bench.run(ask, sql=sql)
    assert result.rows[0].site_country == "IND"
    assert any("cannot be named" in caveat for caveat in result.caveats)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(DISTINCT supplier) AS n FROM orders WHERE mode IS NOT NULL AND supplier LIKE 'A%'",
        "SELECT YEAR_OF(scheduled) AS year, SUM(value_usd) AS usd FROM orders GROUP BY 1 ORDER BY 1",
        "SELECT supplier, CASE WHEN delivered > scheduled THEN 1 ELSE 0 END AS late FROM orders o WHERE EXISTS "
        "(SELECT 1 FROM case_list c WHERE c.supplier_id = o.supplier_id) OR quantity BETWEEN 1 AND 5",
        "SELECT supplier, RANK() OVER (ORDER BY SUM(value_usd) DESC) AS rank FROM orders GROUP BY supplier LIMIT 5",
        "SELECT name, list_date FROM sanctions_entries WHERE LOWER(name) LIKE '%banco%'",
        "SELECT s.reference FROM shipment_list s JOIN orders o ON o.shipment_id = s.shipment_id WHERE o.line_id = 1",
    ],
)
def test_ordinary_questions_run(bench: Bench, sql: str) -> None:
    year_of = "strftime('%Y', " if bench.records.reading.sqlite else "EXTRACT(YEAR FROM "
    assert bench.run(ask, sql=sql.replace("YEAR_OF(", year_of)).rows


def test_rows_are_limited(bench: Bench) -> None:
    result = bench.run(ask, sql="SELECT * FROM orders LIMIT 5000")
    assert len(result.rows) == query.MAX_ROWS and any("first" in caveat for caveat in result.caveats)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM orders", "only a SELECT"),
        ("DROP TABLE order_lines", "only a SELECT"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("SELECT * FROM order_lines", "no view 'order_lines'"),
        ("SELECT * FROM sqlite_master", "no view"),
        ("SELECT * FROM main.orders", "not a view"),
        ("SELECT * FROM pragma_table_info('cases')", "not a view"),
        ("PRAGMA table_info(cases)", "only a SELECT"),
        ("ATTACH 'x' AS y", "only a SELECT|cannot be read"),
        ("SELECT load_extension('x') FROM orders", "LOAD_EXTENSION is not allowed"),
        ("SELECT readfile('x') FROM orders", "READFILE is not allowed"),
        ("SELECT pg_read_file('x') FROM orders", "PG_READ_FILE is not allowed"),
        ("SELECT set_config('transaction_read_only', 'off', true) FROM orders", "SET_CONFIG is not allowed"),
        ("SELECT line_id FROM orders FOR UPDATE", "not allowed|cannot be read"),
        ("SELECT hex(randomblob(1000000000)) FROM orders", "is not allowed"),
        ("SELECT salary FROM orders", "cannot be read"),
        ("SELECT 1", "reads no view"),
        ("SELEC supplier FROM orders", "refused"),
        ("SELECT * FROM orders UNION SELECT * FROM orders", "only a SELECT"),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r", "recursive"),
        ("WITH orders AS (SELECT 1 AS line_id) SELECT line_id FROM orders", "like a view"),
        ("SELECT line_id FROM orders WHERE supplier_id IN (SELECT id FROM suppliers)", "no view 'suppliers'"),
        ("SELECT * FROM suppliers, (WITH suppliers AS (SELECT 1 AS n) SELECT n FROM suppliers)", "at the start only"),
        ("WITH suppliers AS (SELECT * FROM suppliers) SELECT * FROM suppliers", "no view 'suppliers'"),
        ("WITH a AS (SELECT * FROM b), b AS (SELECT line_id FROM orders) SELECT * FROM a", "no view 'b'"),
        ("SELECT line_id AS records FROM orders", "called records"),
        ("SELECT rowid FROM orders", "cannot be read"),
        ("SELECT line_id FROM orders WHERE supplier = ?", "is not allowed"),
    ],
)
def test_what_is_refused_says_why(bench: Bench, sql: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        bench.run(ask, sql=sql)


def test_a_long_query_is_stopped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MAX_SECONDS", 0.2)
    with pytest.raises(ToolError, match="took longer"):
        bench.run(ask, sql="SELECT COUNT(*) AS n FROM orders a CROSS JOIN orders b CROSS JOIN orders c")
