"""Which suppliers a question is about, by limits on their lines, spend and late rate. `list_suppliers` takes them."""

from pydantic import Field

from tools.registry import ToolError
from tools.supply_chain.filters import Filters
from tools.supply_chain.lines import Line, Lines, lacks, late_lines, pick


class SupplierFilters(Filters):
    """The limits pick suppliers by their lines in scope; like `suppliers`, they leave what shares are measured against alone."""

    min_lines: int = Field(0, ge=0, description="leave out suppliers with fewer order lines in scope, e.g. 100")
    min_spend: float = Field(0, ge=0, description="leave out suppliers with less spend in scope, US dollars, e.g. 10000000")
    min_late_rate: float = Field(
        0, ge=0, le=100, description="leave out suppliers late on a smaller share of lines, percent, e.g. 10"
    )

    def limits(self) -> str:
        """The limits in words; empty when there are none."""
        said = [
            f"{self.min_lines} order lines" if self.min_lines else "",
            f"${self.min_spend:,.0f} of spend" if self.min_spend else "",
            f"{self.min_late_rate:g} % late lines" if self.min_late_rate else "",
        ]
        found = " and ".join(filter(None, said))
        return f"suppliers with at least {found}" if found else ""

    def meets(self, own: list[Line]) -> bool:
        """Are a supplier's lines within the limits? A rate is over the lines with both delivery dates."""
        dated = [line for line in own if line.scheduled and line.delivered]
        return (
            len(own) >= self.min_lines
            and sum(line.value_cents or 0 for line in own) >= self.min_spend * 100
            and (not self.min_late_rate or (bool(dated) and 100 * len(late_lines(dated)) >= self.min_late_rate * len(dated)))
        )


def within_limits(args: SupplierFilters, lines: Lines) -> Lines:
    """The suppliers within the limits. Raises `ToolError` when a limit is set on what no line has."""
    for limit, columns in ((args.min_spend, ("value",)), (args.min_late_rate, ("scheduled", "delivered"))):
        if limit and (missing := [column for column in columns if not lines.have(column)]):
            raise ToolError(lacks(missing[0]))
    return pick(lines, args.meets, args.limits()) if args.limits() else lines
