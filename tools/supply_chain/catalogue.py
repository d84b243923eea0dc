"""All tools of the sample domain. The domain's declaration hands them to the registry."""

from tools.query import query_tool
from tools.registry import Tool
from tools.supply_chain.briefs import approval_briefs
from tools.supply_chain.cases import add_note, assign_case, close_case, list_cases, open_case, remind_owner, set_due_date
from tools.supply_chain.country_risk import country_risk, unstable_sites
from tools.supply_chain.evidence import check_evidence
from tools.supply_chain.finance import annual_spend, country_exposure, financial_exposure
from tools.supply_chain.freight import freight_costs
from tools.supply_chain.periods import compare_periods
from tools.supply_chain.prices import compare_prices
from tools.supply_chain.procurement import list_suppliers, single_sourced_items, supplier_profile
from tools.supply_chain.research import country_indicators, country_risk_from_ranks, search_sanctions_list
from tools.supply_chain.sanctions import screen_suppliers
from tools.supply_chain.score import score_suppliers
from tools.supply_chain.shipments import compare_modes, delivery_performance, network_deliveries
from tools.supply_chain.views import VIEWS

TOOLS: tuple[Tool, ...] = (
    list_suppliers,
    supplier_profile,
    single_sourced_items,
    compare_prices,
    financial_exposure,
    country_exposure,
    annual_spend,
    compare_periods,
    delivery_performance,
    compare_modes,
    network_deliveries,
    freight_costs,
    country_risk,
    unstable_sites,
    screen_suppliers,
    country_indicators,
    search_sanctions_list,
    country_risk_from_ranks,
    score_suppliers,
    approval_briefs,
    check_evidence,
    query_tool(VIEWS),
    open_case,
    assign_case,
    add_note,
    set_due_date,
    close_case,
    remind_owner,
    list_cases,
)
