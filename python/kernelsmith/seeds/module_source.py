"""The text of a module file as a candidate: the class renamed, what it does not need left out."""

from __future__ import annotations

import ast
import textwrap

from kernelsmith.seeds.trace import Refusal

MODEL, CANDIDATE = "Model", "ModelNew"
GIVEN = ("get_inputs", "get_init_inputs", "REDUCED", "PRECISION")


class ModuleText:
    """A module file. Edits are of whole lines; what stays keeps its form and its comments."""

    def __init__(self, text: str, file: str) -> None:
        """Parse it."""
        try:
            self.tree = ast.parse(text)
        except SyntaxError as error:
            raise Refusal(f"{file}, line {error.lineno}: {error.msg}") from error
        self.lines = text.splitlines()
        found = [n for n in self.tree.body if isinstance(n, ast.ClassDef) and n.name == MODEL]
        if len(found) != 1:
            raise Refusal(f"{file} has no class {MODEL}")
        self.model = found[0]

    def forward_arguments(self) -> list[str]:
        """Return the parameters of forward, without self."""
        forward = method(self.model, "forward")
        if forward is None:
            raise Refusal(f"{MODEL} has no forward of its own")
        arguments = forward.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
            raise Refusal("forward takes a number of arguments that is not fixed")
        return [argument.arg for argument in arguments.args[1:]]


def method(owner: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    """Return a method of a class."""
    for node in owner.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    return None


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else []
    names = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        names.append(node.target.id)
    return names


def _read(node: ast.AST, gone: set[int]) -> set[str]:
    """Return the names that the lines which stay read."""
    kept = [n for n in ast.walk(node) if getattr(n, "lineno", 0) not in gone]
    names = {n.id for n in kept if isinstance(n, ast.Name)}
    if isinstance(node, ast.FunctionDef):  # a parameter hides what the file calls the same
        names -= {a.arg for a in [*node.args.args, *node.args.kwonlyargs]}
        names |= {n.id for d in node.args.defaults for n in ast.walk(d) if isinstance(n, ast.Name)}
    return names | {n.attr for n in kept if isinstance(n, ast.Attribute)}


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *[d.lineno for d in decorators]])


class _Cut:
    """Lines to leave out, and lines to put in their place."""

    def __init__(self, module: ModuleText) -> None:
        self.module = module
        self.gone: set[int] = set()  # counted from 1
        self.instead: dict[int, list[str]] = {}

    def drop(self, node: ast.stmt) -> None:
        self.gone.update(range(_first_line(node), (node.end_lineno or node.lineno) + 1))

    def has(self, node: ast.stmt) -> bool:
        return _first_line(node) in self.gone

    def text(self) -> str:
        kept: list[str] = []
        for number, line in enumerate(self.module.lines, 1):
            kept += self.instead.get(number, [])
            if number not in self.gone:
                kept.append(line)
        kept += self.instead.get(len(self.module.lines) + 1, [])
        return squeeze("\n".join(kept))


def squeeze(text: str) -> str:
    """Return the text with at most two empty lines in a row, one within indented text."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or len(lines) < 2 or lines[-1].strip() or lines[-2].strip():
            lines.append(line.rstrip())
    return "\n".join(lines).strip("\n") + "\n"


def _renamed(text: str) -> str:
    """Return the text with the class and what names it renamed."""
    lines = text.splitlines()
    places = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and node.id == MODEL:
            places.append((node.lineno, node.col_offset))
        elif isinstance(node, ast.ClassDef) and node.name == MODEL:
            line = lines[node.lineno - 1]
            places.append((node.lineno, len(line[: line.index(MODEL)].encode())))
    for number, column in sorted(places, reverse=True):
        raw = lines[number - 1].encode()
        lines[number - 1] = (
            raw[:column] + CANDIDATE.encode() + raw[column + len(MODEL) :]
        ).decode()
    return "\n".join(lines) + "\n"


def _drop_unused(cut: _Cut, more: set[str]) -> None:
    """Leave out statements of the file that define what nothing reads."""
    body = cut.module.tree.body
    while True:
        used = set(more)
        for node in body:
            if not cut.has(node):
                used |= _read_kept(node, cut)
        dead = [
            node
            for node in body
            if not cut.has(node)
            and node is not cut.module.model
            and (names := _defined(node))
            and "*" not in names
            and not used & set(names)
        ]
        if not dead:
            return
        for node in dead:
            cut.drop(node)


def _read_kept(node: ast.stmt, cut: _Cut) -> set[str]:
    if not isinstance(node, ast.ClassDef):
        own = set(_defined(node))
        return _read(node, cut.gone) - (own if isinstance(node, ast.Assign) else set())
    names: set[str] = set()
    for part in [*node.bases, *node.decorator_list]:
        names |= _read(part, cut.gone)
    for part in node.body:
        if not cut.has(part):
            names |= _read(part, cut.gone)
    return names


def eager_text(text: str, file: str) -> str:
    """Return the module's own code as a candidate."""
    module = ModuleText(text, file)
    cut = _Cut(module)
    for node in module.tree.body:
        if set(_defined(node)) & set(GIVEN):
            cut.drop(node)
    _drop_unused(cut, set())
    return _renamed(cut.text())


def with_forward(text: str, file: str, body: list[str], reads: set[str]) -> str:
    """Return the module's classes as a candidate with another forward.

    `body` are the statements, without indentation; `reads` names what they need of the file.
    """
    module = ModuleText(text, file)
    cut = _Cut(module)
    for node in module.tree.body:
        if set(_defined(node)) & set(GIVEN):
            cut.drop(node)
    forward = method(module.model, "forward")
    assert forward is not None
    first = forward.body[0].lineno
    cut.gone.update(range(first, (forward.end_lineno or first) + 1))
    indent = " " * (forward.col_offset + 4)
    cut.instead[first] = textwrap.indent("\n".join(body), indent).splitlines()
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and not cut.has(node):
            _drop_methods(node, cut, node is module.model)
    _drop_unused(cut, reads)
    return _renamed(cut.text())


def _drop_methods(owner: ast.ClassDef, cut: _Cut, is_model: bool) -> None:
    """Leave out what only the old forward called."""
    methods = [n for n in owner.body if isinstance(n, ast.FunctionDef)]
    for node in methods:
        if node.name == "forward" and not is_model:
            cut.drop(node)
    while True:
        used: set[str] = set()
        for node in methods:
            if not cut.has(node) and not (is_model and node.name == "forward"):
                used |= _read(node, cut.gone)
        dead = [
            n
            for n in methods
            if not cut.has(n) and n.name != "forward" and n.name[:2] != "__" and n.name not in used
        ]
        if not dead:
            break
        for node in dead:
            cut.drop(node)
    left = [n for n in owner.body if not cut.has(n)]
    if all(isinstance(n, ast.Expr) for n in left):
        line = owner.body[0].lineno if not left else (left[-1].end_lineno or 0) + 1
        indent = " " * (owner.col_offset + 4)
        cut.instead.setdefault(line, []).append(f"{indent}pass")
