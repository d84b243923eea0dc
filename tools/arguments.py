"""Arguments of tools: checked against the tool's schema, put in their normal form, and their errors said for models.

Called by the gateway for every call, and through `checker` for arguments that an approver edited.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from governance.digest import canonical
from tools.registry import Registry, Tool

ANY_PRODUCT = "*"


class InvalidArguments(ValueError):
    """The arguments do not fit the tool; the message tells the model what to mend."""


def check(tool: Tool, args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in their normal form: defaults filled in, JSON values only. Raises `InvalidArguments`."""
    unknown = sorted(set(args) - _names(tool.args))
    if unknown:
        takes = ", ".join(tool.args.model_fields) or "none"
        raise InvalidArguments(f"{tool.name} takes no argument {', '.join(unknown)}; it takes: {takes}")
    try:
        normal = tool.args.model_validate(dict(args)).model_dump(mode="json")
        canonical(normal)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}" for one in error.errors(include_url=False)]
        raise InvalidArguments(f"the arguments do not fit {tool.name}: {'; '.join(wrong)}") from error
    except ValueError as error:  # NaN and the like, which have no JSON form
        raise InvalidArguments(f"the arguments do not fit {tool.name}: {error}") from error
    return normal


def check_refs(tool: Tool, args: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    """Every argument that names a product must name one that the step was handed. Raises `InvalidArguments`."""
    for name, info in tool.args.model_fields.items():
        extra = info.json_schema_extra
        if not isinstance(extra, dict) or "product" not in extra:
            continue
        product = extra["product"]
        value = args.get(name)
        for ref in value if isinstance(value, list) else [value]:
            fits = [one for one in inputs if product in (ANY_PRODUCT, one.partition(".")[2])]
            if ref is not None and ref not in fits:
                wanted = "result" if product == ANY_PRODUCT else f"{product} result"
                raise InvalidArguments(f"{name}: {ref!r} names no {wanted} of this step; there is {', '.join(fits) or 'none'}")


def check_row(tool: Tool, args: Mapping[str, Any], item: Mapping[str, Any] | None) -> None:
    """An effect for one row acts on that row: its targets are the row's, whatever a text said to the model. Raises
    `InvalidArguments`."""
    for name in tool.manifest.targets if item else ():
        if item and name in item and name in args and str(args[name]) != str(item[name]):
            raise InvalidArguments(f"{name}: this step is about {item[name]!r}, not {args[name]!r}: act on its own row only")


def checker(registry: Registry) -> Callable[[str, Mapping[str, Any]], dict[str, Any]]:
    """`check` by the tool's name, for the approvals. Raises `InvalidArguments`, also for a tool that is not there."""

    def check_named(name: str, args: Mapping[str, Any]) -> dict[str, Any]:
        if name not in registry:
            raise InvalidArguments(f"there is no tool {name}")
        return check(registry[name], args)

    return check_named


def _names(model: type[BaseModel]) -> set[str]:
    return {name for field, info in model.model_fields.items() for name in (field, info.alias or field)}
