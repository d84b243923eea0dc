"""Every table of records says which file it was loaded from, without the folder it lay in."""

from pathlib import Path

from database import Database
from tests.supply_chain.bench import Bench
from tools.supply_chain.demo import make_demo
from tools.supply_chain.origins import origins_of
from tools.supply_chain.tables import metadata


def test_public_records_name_publisher_file_hash_and_key(bench: Bench) -> None:
    found = origins_of(bench.records.reading)
    assert "scms_delivery_history.csv (sha256 c9ca9530539e…); keys are its column id" in found["order_lines"]
    assert found["sanctions"].startswith("US Department of the Treasury") and "ofac_sdn_2024-05-03.csv" in found["sanctions"]
    assert "wgi_1996_2023.csv (sha256 81693aaa5fe3…)" in found["indicators"]
    assert "scms_manufacturing_sites.csv" in found["sites"] and "scms_delivery_history.csv" in found["sites"]
    assert not any("/" in said for said in found.values())


def test_the_generated_company_says_that_it_is_generated(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'records.db'}")
    db.create(metadata)
    make_demo(db)
    found = origins_of(db)
    db.close()
    assert {said for table, said in found.items() if table != "cases"} == {"the generated sample company"}
    assert {"order_lines", "suppliers", "sites", "indicators", "sanctions", "cases"} <= found.keys()
