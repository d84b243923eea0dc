"""The public records that the system of record is filled from: who publishes them, under which licence, with which columns.

Read by the importers (columns), by `clearance data sources` (where to get them) and by reports that name their sources.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """One publisher's file. `columns` are the ones an import needs; without a header line a row has `width` fields.

    `known` maps the sha256 of a file that this importer has been checked against to what that file is.
    """

    name: str
    title: str
    publisher: str
    licence: str
    where: str
    url: str
    columns: tuple[str, ...]
    known: dict[str, str]
    header: bool = True
    width: int = 0


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            name="scms",
            title="Supply Chain Shipment Pricing: order lines of health commodities, 2006-2015",
            publisher="US Agency for International Development (USAID), Supply Chain Management System",
            licence="US government work, public domain",
            where="the US open data catalogue, data.gov: 'Supply Chain Shipment Pricing Data' of USAID, CSV download",
            url="https://catalog.data.gov/dataset/supply-chain-shipment-pricing-data",
            columns=(
                "id",
                "po / so #",
                "asn/dn #",
                "country",
                "fulfill via",
                "shipment mode",
                "scheduled delivery date",
                "delivered to client date",
                "product group",
                "sub classification",
                "vendor",
                "item description",
                "molecule/test type",
                "line item quantity",
                "line item value",
                "manufacturing site",
                "weight (kilograms)",
                "freight cost (usd)",
                "line item insurance (usd)",
            ),
            known={"c9ca9530539e7dbf37b377f3fcd383e1faa81c8e41c707e280b20a485508a537": "10,324 order lines"},
        ),
        Source(
            name="sites",
            title="Manufacturing site to country",
            publisher="compiled by you: one line for each site name in the order lines",
            licence="your own",
            where="write it by hand: the columns are manufacturing_site and iso3 (three letters; empty when unknown)",
            url="",
            columns=("manufacturing_site", "iso3"),
            known={},
        ),
        Source(
            name="wgi",
            title="Worldwide Governance Indicators, 1996-2023",
            publisher="World Bank",
            licence="CC BY 4.0",
            where="World Bank, Worldwide Governance Indicators, full data set (code, year, indicator) saved as CSV",
            url="https://www.worldbank.org/en/publication/worldwide-governance-indicators",
            columns=("code", "countryname", "year", "indicator", "estimate", "pctrank"),
            known={"81693aaa5fe30d7de98fb36bc069136fd45c74547a877ba559441e7e5c4f221d": "32,100 values, 1996-2023"},
        ),
        Source(
            name="sdn",
            title="Specially Designated Nationals and Blocked Persons List",
            publisher="US Department of the Treasury, Office of Foreign Assets Control (OFAC)",
            licence="US government work, public domain",
            where="OFAC Sanctions List Service, SDN list, delimited download sdn.csv (it has no header line)",
            url="https://sanctionslist.ofac.treas.gov/Home/SdnList",
            columns=("id", "name", "type", "programme", "remarks"),
            known={"210ca6b4a8187a34e0850be69ecc6e918f23ad7778b8b5b2f9c9d5fbbaf4e0cb": "14,965 entries, 2024-05-03"},
            header=False,
            width=12,
        ),
    )
}
