"""Which products the columns of order lines allow: read off what each product needs and what its tool must be handed.

Used to tell somebody, before they ask, what their own file can answer and what not.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tools.registry import Tool
from tools.results import ToolResult
from tools.supply_chain.columns import ORDER_COLUMNS


@dataclass(frozen=True)
class Coverage:
    """What a product lacks. `missing`: columns without which it cannot be made; `without`: optional inputs it does without."""

    missing: tuple[str, ...]
    without: tuple[str, ...]

    def titles(self) -> tuple[str, ...]:
        """The missing columns in words."""
        return tuple(ORDER_COLUMNS[name].title for name in self.missing)


def cover(products: Iterable[str], columns: frozenset[str], tools: Iterable[Tool]) -> Coverage:
    """What all of `products` together lack when order lines have `columns`."""
    makers = {one.produces: one for one in reversed(list(tools)) if one.produces}
    missing: dict[str, None] = {}
    without: dict[str, None] = {}
    for product in products:
        missing |= dict.fromkeys(_missing(product, columns, makers))
        for optional in _inputs(makers[product], required=False) if product in makers else ():
            if _missing(optional, columns, makers):
                without[optional] = None
    return Coverage(tuple(missing), tuple(without))


def _missing(product: str, columns: frozenset[str], makers: dict[str, Tool]) -> list[str]:
    """Columns that a product, or a product it must be handed, needs and that are not there."""
    maker = makers.get(product)
    if maker is None:
        return []
    result = maker.result
    own = (*result.needs, *result.needs_some) if issubclass(result, ToolResult) else ()
    found = [name for name in own if name not in columns]
    return found + [name for given in _inputs(maker, required=True) for name in _missing(given, columns, makers)]


def _inputs(maker: Tool, *, required: bool) -> list[str]:
    """The products a tool must, or may, be handed."""
    found = []
    for field in maker.args.model_fields.values():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and isinstance(extra.get("product"), str) and field.is_required() is required:
            found.append(str(extra["product"]))
    return [product for product in found if product != "*"]
