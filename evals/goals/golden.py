"""Recompute every golden figure of these goals from the raw public files, with pandas and none of the product's code.

    python evals/goals/golden.py [--data DIR]     # or CLEARANCE_DATA; exit 1 and the list of differences when a figure moved

The goals carry, beside each figure, the pandas expression it came from (`how`). This script evaluates it over the tables that
`tables` builds and compares the result with the `value` stored in the goal. Nothing may import this module except a test or the
runner of these goals; it must never import the product, or the figures would be checked against themselves.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

HERE = Path(__file__).resolve().parent
GOALS = ("paraphrases.yaml", "heldout.yaml", "variants.yaml")
ORDERS = "scms_delivery_history.csv"
ORDERS_SHA256 = "c9ca9530539e7dbf37b377f3fcd383e1faa81c8e41c707e280b20a485508a537"
COLUMNS = {
    "country": "country",
    "fulfill via": "via",
    "shipment mode": "mode",
    "scheduled delivery date": "scheduled",
    "delivered to client date": "delivered",
    "product group": "group",
    "sub classification": "sub",
    "vendor": "vendor",
    "item description": "item",
    "line item quantity": "quantity",
    "line item value": "value",
    "pack price": "pack_price",
    "manufacturing site": "site",
    "freight cost (usd)": "freight",
}


def read_orders(data: Path) -> pd.DataFrame:
    """Every order line: `value` and `freight` in USD (freight NaN where the cell is text), `late` bool, `days` late or NaN,
    `year` of the scheduled and `delivered_year` of the actual delivery, `iso3` of the manufacturing site ("" when unknown)."""
    raw = pd.read_csv(data / ORDERS, dtype=str, keep_default_na=False, encoding="utf-8")
    orders = raw.rename(columns=COLUMNS)[list(COLUMNS.values())]
    for column in ("quantity", "value", "pack_price"):
        orders[column] = pd.to_numeric(orders[column])
    orders["freight"] = pd.to_numeric(orders["freight"], errors="coerce")
    for column in ("scheduled", "delivered"):
        orders[column] = pd.to_datetime(orders[column], format="%d-%b-%y")
    orders["late"] = orders["delivered"] > orders["scheduled"]
    orders["days"] = (orders["delivered"] - orders["scheduled"]).dt.days.where(orders["late"])
    orders["year"] = orders["scheduled"].dt.year
    orders["delivered_year"] = orders["delivered"].dt.year
    sites = pd.read_csv(data / "scms_manufacturing_sites.csv", dtype=str, keep_default_na=False)
    orders["iso3"] = orders["site"].map(dict(zip(sites["manufacturing_site"], sites["iso3"], strict=True))).fillna("")
    return orders


def percent(part: float, whole: float) -> float:
    """`part` of `whole`, in percent."""
    return 100.0 * float(part) / float(whole)


def late_percent(lines: pd.DataFrame) -> float:
    """Lines delivered after their scheduled day, in percent of `lines`."""
    return percent(lines["late"].sum(), len(lines))


def hhi(lines: pd.DataFrame) -> float:
    """Herfindahl-Hirschman index of spend by vendor, 0 to 1."""
    shares = lines.groupby("vendor")["value"].sum() / lines["value"].sum()
    return float((shares**2).sum())


def top(lines: pd.DataFrame, by: str, n: int) -> list[str]:
    """The `n` values of column `by` with the most spend, most first."""
    return list(lines.groupby(by)["value"].sum().nlargest(n).index)


def latest(lines: pd.DataFrame, by: str, n: int, at_least: int) -> list[str]:
    """The `n` values of column `by` with the greatest late share among those with `at_least` lines, worst first."""
    late = lines.groupby(by)["late"].agg(["mean", "size"])
    return list(late[late["size"] >= at_least]["mean"].nlargest(n).index)


def plain(name: str) -> str:
    """A name without case, spaces and punctuation, for exact screening."""
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def tables(data: Path) -> dict[str, Any]:
    """The names a `how` may use: orders (all lines), direct (Direct Drop only), wgi, sdn (plain names) and the functions above.

    Raises ValueError when the order file is another than the one the figures came from."""
    found = hashlib.sha256((data / ORDERS).read_bytes()).hexdigest()
    if found != ORDERS_SHA256:
        raise ValueError(f"{data / ORDERS} has sha256 {found}; the figures came from the file with {ORDERS_SHA256}.")
    orders = read_orders(data)
    wgi = pd.read_csv(data / "wgi_1996_2023.csv", encoding="utf-8-sig", na_values=[".."], keep_default_na=False)
    listed = pd.read_csv(data / "ofac_sdn_2024-05-03.csv", header=None, dtype=str, keep_default_na=False, encoding="utf-8")
    return {
        "orders": orders,
        "direct": orders[orders["via"] == "Direct Drop"],
        "wgi": wgi,
        "sdn": {plain(name) for name in listed[1]} - {""},
        **{f.__name__: f for f in (percent, late_percent, hhi, top, latest, plain)},
    }


def figures(goal: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The figures and names of a goal, other accepted readings (`or`) included."""
    expect = goal["expect"]
    for one in [*expect.get("figures", ()), *expect.get("names", ())]:
        yield one
        yield from one.get("or", ())


def same(stored: Any, computed: Any) -> bool:
    """Equal; floats to one part in 10⁹, which hides the order of summing and nothing else."""
    if isinstance(computed, list):
        return bool(stored == computed)
    return math.isclose(float(stored), float(computed), rel_tol=1e-9, abs_tol=1e-12)


def check(data: Path, files: tuple[str, ...] = GOALS) -> tuple[int, list[str]]:
    """How many figures were recomputed, and one sentence for each that differs."""
    scope, count, wrong = tables(data), 0, []
    for name in files:
        for goal in yaml.safe_load((HERE / name).read_text(encoding="utf-8")):
            for one in figures(goal):
                count += 1
                computed = eval(one["how"], dict(scope))  # `how` is written in this folder and reviewed like code
                if not same(one["value"], computed):
                    wrong.append(f"{name} {goal['id']}: {one.get('label', one.get('basis'))} is {computed}, not {one['value']}")
    return count, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Recompute the golden figures of the goals from the raw files.")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CLEARANCE_DATA", "../shared/data")))
    data = parser.parse_args().data
    if not (data / ORDERS).exists():
        sys.exit(f"No {ORDERS} in {data}; name the folder of the raw files with --data or CLEARANCE_DATA.")
    try:
        count, wrong = check(data)
    except ValueError as error:
        sys.exit(str(error))
    print(*wrong, f"{count} figures recomputed, {len(wrong)} differ", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
