"""Inputs of a compiled graph as expressions of forward: self.linear.weight, x."""

from __future__ import annotations

import ast

from kernelsmith.seeds.trace import Refusal

INSIDE = ("_modules", "_parameters", "_buffers")


def _path(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_path(node.value)}.{node.attr}" if node.attr not in INSIDE else _path(node.value)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        key = node.slice.value
        if isinstance(node.value, ast.Name) and node.value.id in ("L", "G"):
            return str(key)
        base = _path(node.value)
        if isinstance(key, int) or (isinstance(key, str) and key.isdigit()):
            return f"{base}[{key}]"
        if isinstance(key, str) and key.isidentifier():
            return f"{base}.{key}"
        return f"{base}[{key!r}]"
    raise Refusal(f"an input of the graph comes from {ast.unparse(node)}")


def own_buffers(sources: list[str]) -> set[str]:
    """Return the expressions of the module's own buffers: state that forward may change."""
    pairs = zip(input_expressions(sources), sources, strict=True)
    return {e for e, s in pairs if e.startswith("self.") and "._buffers[" in s}


def input_expressions(sources: list[str]) -> list[str]:
    """Return an expression for each source, as torch names them."""
    expressions = []
    for source in sources:
        try:
            tree = ast.parse(source, mode="eval").body
        except SyntaxError as error:
            raise Refusal(f"an input of the graph comes from '{source}'") from error
        if not source.startswith(("L[", "G[")):
            raise Refusal(f"an input of the graph comes from '{source}'")
        path = _path(tree)
        if "." in path and not path.startswith("self."):
            raise Refusal(f"an input of the graph comes from '{source}'")
        expressions.append(path)
    if len(set(expressions)) != len(expressions):
        raise Refusal("an input of the graph comes twice")
    return expressions
