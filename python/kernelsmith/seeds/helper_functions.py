"""Calls of torch's helpers for Triton, as plain Triton or with the helpers beside the kernels."""

from __future__ import annotations

import ast

from kernelsmith.seeds.trace import Refusal

# libdevice functions with a counterpart in Triton itself.
PLAIN = {
    "abs", "ceil", "cos", "erf", "exp", "exp2", "floor", "fma", "log", "log2", "rsqrt", "sin",
    "sqrt",
}  # fmt: skip
RENAMED = {"sqrt_rn": "sqrt_rn", "fast_expf": "exp", "fdiv": "fdiv"}

# Functions that neither Triton nor its interpreter offers, in terms of what they do.
OWN_HELPERS = {
    "tanh": '''
@triton.jit
def tanh(x):
    """Hyperbolic tangent; small arguments by its series, so that nothing cancels."""
    square = x * x
    series = x * (1.0 + square * (-0.33333334 + square * (0.13333334 - 0.053968254 * square)))
    e = tl.exp(-2.0 * tl.abs(x))
    far = (1.0 - e) / (1.0 + e)
    return tl.where(tl.abs(x) < 0.2, series, tl.where(x < 0, -far, far))
''',
    "log1p": '''
@triton.jit
def log1p(x):
    """log(1 + x) without loss for small x (Kahan)."""
    u = 1.0 + x
    rest = u - 1.0
    return tl.where(rest == 0.0, x, tl.log(u) * (x / tl.where(rest == 0.0, 1.0, rest)))
''',
    "expm1": '''
@triton.jit
def expm1(x):
    """exp(x) - 1 without loss for small x."""
    series = x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * 0.008333334))))
    return tl.where(tl.abs(x) < 0.1, series, tl.exp(x) - 1.0)
''',
}

IDIOMS = {"maximum", "minimum"}  # of two values; tl has them, with NaN handed on
MATH = "tl_math"
LIBRARY = "libdevice"
HELPERS = "triton_helpers"


def _attribute(owner: str, name: str) -> ast.expr:
    return ast.parse(f"{owner}.{name}", mode="eval").body


class PlainCalls(ast.NodeTransformer):
    """Replaces what torch's kernels import. Helpers left over are called by their plain names."""

    def __init__(self) -> None:
        """Begin without any."""
        self.used: set[str] = set()

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Replace a function wherever it is named."""
        self.generic_visit(node)
        if not isinstance(node.value, ast.Name):
            if ast.unparse(node.value) == f"{HELPERS}.math":
                return _attribute("tl", node.attr)
            return node
        owner, name = node.value.id, node.attr
        if owner == MATH or (owner == LIBRARY and name in PLAIN):
            return _attribute("tl", name)
        if owner == LIBRARY and name in RENAMED:
            return _attribute("tl", RENAMED[name])
        if owner == LIBRARY and name in OWN_HELPERS:
            return ast.Name(name, ast.Load())
        if owner == HELPERS and name not in ("math", LIBRARY):
            return ast.Name(f"helper_{name}", ast.Load())
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Write extrema of two values, and name the masks."""
        function = ast.unparse(node.func)
        for idiom in IDIOMS:
            if function == f"{HELPERS}.{idiom}" and len(node.args) == 2:
                node.func = _attribute("tl", idiom)
                keyword = ast.keyword("propagate_nan", _attribute("tl.PropagateNan", "ALL"))
                node.keywords.append(keyword)
        self.generic_visit(node)
        place = {"tl.load": 1, "tl.store": 2, "tl.atomic_add": 2}.get(function)
        if place is not None and len(node.args) == place + 1:
            mask = node.args.pop()
            if not (isinstance(mask, ast.Constant) and mask.value is None):
                node.keywords.insert(0, ast.keyword("mask", mask))
        if function == "tl.load" and all(k.arg != "mask" for k in node.keywords):
            node.keywords = [k for k in node.keywords if k.arg != "other"]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Leave out assertions on the device: plain Triton does not compile them either."""
        call = node.value
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "tl.device_assert":
            return None
        self.generic_visit(node)
        return node


def helpers_for(functions: list[ast.FunctionDef], library: str) -> list[str]:
    """Return the texts of the helpers that `functions` call, those they call first.

    `library` is the text of torch's helpers.
    """
    known = {
        node.name: node for node in ast.parse(library).body if isinstance(node, ast.FunctionDef)
    }
    texts: dict[str, str] = {}
    for function in functions:
        _add_helpers(function, known, texts)
    return list(texts.values())


def _add_helpers(
    function: ast.FunctionDef, known: dict[str, ast.FunctionDef], texts: dict[str, str]
) -> None:
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    for name in sorted(names):
        if name in texts or name == function.name:
            continue
        if name in OWN_HELPERS:
            texts[name] = OWN_HELPERS[name].strip()
        if not name.startswith("helper_"):
            continue
        original = known.get(name.removeprefix("helper_"))
        if original is None or [ast.unparse(d) for d in original.decorator_list] != ["triton.jit"]:
            raise Refusal(f"a kernel calls torch's '{name.removeprefix('helper_')}'")
        _plain_helper(original, name, known)
        _add_helpers(original, known, texts)
        texts[name] = ast.unparse(original)


def _plain_helper(function: ast.FunctionDef, name: str, known: dict[str, ast.FunctionDef]) -> None:
    """Rename a helper and what it calls of its own kind."""
    own = function.name
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in known and node.id != own:
            node.id = f"helper_{node.id}"
    PlainCalls().visit(function)
    function.name = name
