"""One generated Triton kernel as plain Triton: no helper of torch, nothing computed in vain."""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

from kernelsmith.seeds.helper_functions import PlainCalls
from kernelsmith.seeds.trace import Refusal

KINDS = {
    "pointwise": "pointwise",
    "reduction": "reduction",
    "persistent_reduction": "row",
}


@dataclasses.dataclass
class Kernel:
    """A kernel and what a launch needs to know."""

    name: str
    kind: str  # of the heuristics it was written for
    grid_type: str
    size_hints: dict[str, int]
    extents: dict[str, int]  # "xnumel": 16384; those that the kernel knows itself
    parameters: list[str]  # as the generated launch passes them
    dropped: set[str]  # of these, those that the plain kernel does without
    blocks: list[str]  # names of its constexpr parameters
    fixed: dict[str, int]  # constexpr values in its text: {"R0_BLOCK": 128}
    mutated: set[str]
    definition: ast.FunctionDef
    helpers: dict[str, ast.FunctionDef]  # functions of its own file that it calls

    def text(self) -> str:
        """Return the definition."""
        return ast.unparse(self.definition)


def is_jit(function: ast.AST) -> bool:
    """Whether a definition is of Triton."""
    return isinstance(function, ast.FunctionDef) and any(
        ast.unparse(decorator) == "triton.jit" for decorator in function.decorator_list
    )


def keywords_of(call: ast.Call) -> dict[str, ast.expr]:
    """Return the named arguments of a call."""
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def entry(node: ast.expr | None, key: str, default: Any) -> Any:
    """Return a literal entry of a dict whose other entries may be anything."""
    if isinstance(node, ast.Dict):
        for name, value in zip(node.keys, node.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key:
                return ast.literal_eval(value)
    return default


def heuristics_of(function: ast.FunctionDef) -> ast.Call | None:
    """Return the decorator that says how the kernel is launched."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
            owner = decorator.func.value
            if isinstance(owner, ast.Name) and owner.id == "triton_heuristics":
                return decorator
    return None


def without_dead_code(function: ast.FunctionDef) -> None:
    """Leave out assignments of names that nothing reads."""
    while True:
        read = {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        # An annotation is no use: "RBLOCK: tl.constexpr = ..." reads tl, never RBLOCK.
        if not _drop_unread(function, read):
            return


def _targets(statement: ast.stmt) -> list[str] | None:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        if all(isinstance(part, ast.Name) for part in parts):
            return [part.id for part in parts if isinstance(part, ast.Name)]
    return None


def _drop_unread(node: ast.AST, read: set[str]) -> bool:
    changed = False
    for field in ("body", "orelse"):
        statements = getattr(node, field, None)
        if not isinstance(statements, list):
            continue
        kept = []
        for statement in statements:
            targets = _targets(statement)
            if targets is not None and not read & set(targets):
                changed = True
                continue
            changed |= _drop_unread(statement, read)
            kept.append(statement)
        statements[:] = kept
    return changed


def plain_name(name: str, number: int) -> str:
    """Return a name for people: triton_poi_fused_add_mul_0 is pointwise_add_mul_0."""
    for short, long in (("poi", "pointwise"), ("red", "reduction"), ("per", "row")):
        prefix = f"triton_{short}_fused_"
        if name.startswith(prefix):
            words = [word for word in name[len(prefix) :].rsplit("_", 1)[0].split("_") if word]
            return "_".join([long, *words[:8], str(number)])
    return f"kernel_{number}"


def read_kernel(source: str, number: int) -> Kernel:
    """Return the plain kernel of the text that torch compiles."""
    tree = ast.parse(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and is_jit(node)]
    mains = [function for function in functions if heuristics_of(function) is not None]
    if len(mains) != 1:
        raise Refusal("a generated kernel of a form that is not known (a template)")
    main = mains[0]
    call = heuristics_of(main)
    assert call is not None and isinstance(call.func, ast.Attribute)
    kind = call.func.attr
    if kind not in KINDS:
        raise Refusal(f"the kernel {main.name} is launched as '{kind}', which is not known")
    keywords = keywords_of(call)
    hints = keywords.get("size_hints")
    meta = keywords.get("inductor_meta")
    original = main.name
    kernel = Kernel(
        name=plain_name(original, number),
        kind=kind,
        grid_type=entry(meta, "grid_type", ""),
        size_hints=ast.literal_eval(hints) if hints is not None else {},
        extents={},
        parameters=[argument.arg for argument in main.args.args],
        dropped=set(),
        blocks=[a.arg for a in main.args.args if a.annotation is not None],
        fixed={},
        mutated=set(entry(meta, "mutated_arg_names", [])),
        definition=main,
        helpers={f.name: f for f in functions if f is not main},
    )
    _settle_extents(kernel)
    main.decorator_list = [ast.parse("triton.jit", mode="eval").body]
    main.name = kernel.name
    for function in functions:
        PlainCalls().visit(function)
        without_dead_code(function)
    return kernel


def _settle_extents(kernel: Kernel) -> None:
    """Take extents that the text gives out of the parameters."""
    function = kernel.definition
    for statement in function.body:
        targets = _targets(statement)
        value = getattr(statement, "value", None)
        if targets is None or len(targets) != 1:
            continue
        if not (isinstance(value, ast.Constant) and isinstance(value.value, int)):
            continue
        name = targets[0]
        if name.endswith("numel"):
            kernel.extents[name] = value.value
            if name in kernel.parameters:
                kernel.dropped.add(name)
        elif isinstance(statement, ast.AnnAssign):
            kernel.fixed[name] = value.value
    function.args.args = [a for a in function.args.args if a.arg not in kernel.dropped]
    lost = [p for p in kernel.parameters if p.startswith("ks") or p.endswith("numel")]
    if any(p not in kernel.dropped for p in lost):
        raise Refusal("the compiled code works for several shapes (dynamic shapes)")
