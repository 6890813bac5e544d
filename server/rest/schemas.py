"""The types of bodies and answers as JSON Schemas, with their docstrings. Pure."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

Json = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/"
_GENERIC: Final = re.compile(r"^(\w+)_(\w+)_$")


def reference(kind: Any) -> Json:
    """Return a reference to the schema of ``kind``, which is in :func:`components`."""
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_SCHEMAS + "{name}")
    renamed: Json = _renamed(schema)
    return renamed


def components(kinds: Iterable[Any]) -> dict[str, Json]:
    """Return the schemas of ``kinds``, and of what they are made of, by their names."""
    kinds = list(dict.fromkeys(kinds))
    _, found = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS + "{name}")
    for kind in _structs(kinds):
        schema = found.get(f"{kind.__module__}.{kind.__qualname__}") or found.get(kind.__name__, {})
        for name, text in _field_docs(kind).items():
            if name in schema.get("properties", {}):
                schema["properties"][name]["description"] = text
    schemas = {_name(each): _plain(_renamed(schema)) for each, schema in found.items()}
    return dict(sorted(schemas.items()))


def _structs(kinds: Iterable[Any]) -> Iterator[type[msgspec.Struct]]:
    """Return every struct that ``kinds`` lead to."""
    ahead, seen = [msgspec.inspect.type_info(kind) for kind in kinds], set()
    while ahead:
        kind = ahead.pop()
        if isinstance(kind, msgspec.inspect.StructType):
            own = getattr(kind.cls, "__origin__", kind.cls)
            if own in seen:
                continue
            if kind.cls not in seen:
                seen.add(kind.cls)
                yield own
            ahead += [field.type for field in kind.fields]
        elif isinstance(kind, msgspec.inspect.UnionType):
            ahead += kind.types
        elif isinstance(
            kind, msgspec.inspect.ListType | msgspec.inspect.VarTupleType | msgspec.inspect.SetType
        ):
            ahead.append(kind.item_type)
        elif isinstance(kind, msgspec.inspect.DictType):
            ahead += (kind.key_type, kind.value_type)
        elif isinstance(kind, msgspec.inspect.TupleType):
            ahead += kind.item_types


def _field_docs(kind: type) -> dict[str, str]:
    """Return the docstrings that stand below the fields of ``kind`` in its source."""
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):
        return {}
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    docs: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            docs[field.target.id.rstrip("_")] = words(text.value.value)
    return docs


def _name(name: str) -> str:
    """Return what we call what msgspec calls ``name``.

    ``Page_Course_`` is ``PageOfCourse``; of two types of the same name that of REST keeps it, and
    ``protocol.state.talk.Question`` is ``StateQuestion``.
    """
    module, _, own = name.rpartition(".")
    if module and not module.startswith("protocol.rest"):
        own = module.split(".")[1].title() + own
    return _GENERIC.sub(r"\1Of\2", own)


def _renamed(value: Any) -> Any:
    """Return ``value`` with every reference to what we call a type."""
    if isinstance(value, dict):
        return {key: _renamed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part) for part in value]
    if isinstance(value, str) and value.startswith(_SCHEMAS):
        return _SCHEMAS + _name(value.removeprefix(_SCHEMAS))
    return value


def _plain(value: Any) -> Any:
    """Return ``value`` with its texts as Markdown, and patterns that all dialects know."""
    if isinstance(value, dict):
        items = value.get("prefixItems")
        if items and all(each == items[0] for each in items):
            # Not every program knows of arrays whose places have types of their own.
            value = {key: value[key] for key in value if key != "prefixItems"} | {"items": items[0]}
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, str):
        return words(value) if "``" in value or "\n" in value else value
    return value


def words(text: str | None) -> str:
    """Return a docstring as Markdown."""
    return inspect.cleandoc(text or "").replace("``", "`")
