"""Type stubs and an async Protocol for each service, from the compiler's JSON description of an IDL file. Pure.

The 0.17 compiler writes no type hints; mypy reads these stubs instead of the generated modules.
"""

from __future__ import annotations

import textwrap
from typing import Any

Program = dict[str, Any]
_SCALARS = {
    "string": "str", "binary": "bytes", "bool": "bool", "double": "float",
    "i8": "int", "byte": "int", "i16": "int", "i32": "int", "i64": "int", "void": "None",
}  # fmt: skip
_HEADER = '"""Generated from {name}.thrift by `make idl`: do not edit."""\n'


def _class_name(reference: str, prefix: str) -> str:
    module, _, name = reference.rpartition(".")
    return f"{module}_ttypes.{name}" if module else f"{prefix}{name}"


def python_type(node: dict[str, Any], key: str, prefix: str = "") -> str:
    """The Python type of `node[key + "Id"]`, whose details are in `node[key]`."""
    kind = node[f"{key}Id"]
    if kind in _SCALARS:
        return _SCALARS[kind]
    inner = node[key]
    if kind in ("struct", "exception", "union"):
        return _class_name(inner["class"], prefix)
    if kind == "enum":
        return "int"
    if kind == "map":
        return f"Mapping[{python_type(inner, 'keyType', prefix)}, {python_type(inner, 'valueType', prefix)}]"
    element = python_type(inner, "elemType", prefix)
    if kind == "set":
        return f"AbstractSet[{element}]"
    return f"tuple[{element}, ...]" if "annotations" in inner else f"Sequence[{element}]"


def _field_type(field: dict[str, Any]) -> str:
    kind = python_type({"typeId": field["typeId"], "type": field.get("type")}, "type")
    return kind if field["required"] == "required" or "default" in field else f"{kind} | None"


def _parameter(field: dict[str, Any]) -> str:
    suffix = "" if field["required"] == "required" else " = ..."
    return f"{field['name']}: {_field_type(field)}{suffix}"


def _struct(struct: dict[str, Any]) -> str:
    frozen = not struct["isException"]
    lines = [f"class {struct['name']}({'Exception' if struct['isException'] else 'object'}):"]
    lines += ["    thrift_spec: ClassVar[tuple[Any, ...]]"]
    for field in struct["fields"]:
        if frozen:
            lines += ["    @property", f"    def {field['name']}(self) -> {_field_type(field)}: ..."]
        else:
            lines += [f"    {field['name']}: {_field_type(field)}"]
    ordered = sorted(struct["fields"], key=lambda f: f["required"] != "required")
    in_order = struct["fields"] == ordered
    parameters = ", ".join(_parameter(f) for f in ordered)
    star = "" if in_order or not parameters else "*, "
    lines += [f"    def __init__(self, {star}{parameters}) -> None: ..."]
    lines += ["    @classmethod", "    def read(cls, iprot: Any) -> Self: ..."]
    lines += ["    def write(self, oprot: Any) -> None: ...", "    def validate(self) -> None: ..."]
    return "\n".join(lines)


def _enum(enum: dict[str, Any]) -> str:
    members = [f"    {m['name']}: ClassVar[int]" for m in enum["members"]]
    names = [
        "    _VALUES_TO_NAMES: ClassVar[dict[int, str]]",
        "    _NAMES_TO_VALUES: ClassVar[dict[str, int]]",
    ]
    return "\n".join([f"class {enum['name']}:", *members, *names])


def _includes(program: Program) -> list[str]:
    return [f"import thrift_idl.gen.{name}.ttypes as {name}_ttypes" for name in program.get("includes", [])]


def stub_module(program: Program) -> str:
    """The text of `ttypes.pyi`."""
    imports = [
        "from collections.abc import Mapping, Sequence, Set as AbstractSet",
        "from typing import Any, ClassVar, Self",
        *_includes(program),
    ]
    bodies = [_enum(e) for e in program["enums"]] + [_struct(s) for s in program["structs"]]
    return _HEADER.format(name=program["name"]) + "\n".join(imports) + "\n\n" + "\n\n".join(bodies) + "\n"


def _docstring(text: str, indent: str) -> str:
    body = textwrap.dedent(text).strip()
    lines = [line.strip(" *") for line in body.splitlines()]
    return f'{indent}"""' + f"\n{indent}".join(lines) + '"""'


def _method(function: dict[str, Any]) -> str:
    arguments = ", ".join(f"{a['name']}: {python_type(a, 'type', 'ttypes.')}" for a in function["arguments"])
    returned = python_type(function, "returnType", "ttypes.")
    head = f"    async def {function['name']}(self, {arguments}) -> {returned}:"
    return (
        head + "\n" + _docstring(function.get("doc", f"{function['name']} of the IDL."), "        ") + "\n        ..."
    )


def protocol_module(program: Program, service: dict[str, Any]) -> str:
    """The text of `protocol.py`: the common Protocol of the service object and the Thrift client."""
    head = _HEADER.format(name=program["name"]) + "\nfrom __future__ import annotations\n\n"
    imports = [
        "from collections.abc import Mapping, Sequence, Set as AbstractSet",
        "from typing import Protocol",
        "",
        f"import thrift_idl.gen.{program['name']}.ttypes as ttypes",
        *_includes(program),
    ]
    doc = _docstring(service.get("doc", program.get("doc", service["name"])), "    ")
    methods = "\n\n".join(_method(f) for f in service["functions"])
    return head + "\n".join(imports) + f"\n\n\nclass {service['name']}(Protocol):\n{doc}\n\n{methods}\n"
