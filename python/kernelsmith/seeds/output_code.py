"""The text that torch writes for a compiled graph, taken apart."""

from __future__ import annotations

import ast
import re

from kernelsmith.seeds.kernel_text import Kernel, read_kernel
from kernelsmith.seeds.trace import Refusal

NODES = re.compile(r"#\s*Topologically Sorted Source Nodes: \[([^\]]*)\]")
MOST_NAMES = 8


class OutputCode:
    """Kernels by their generated names, and the statements of call()."""

    def __init__(self, code: str) -> None:
        """Take the text apart. Refuses kernels that are not Triton."""
        self.lines = code.splitlines()
        self.kernels: dict[str, Kernel] = {}
        self.call: list[ast.stmt] = []
        for node in ast.parse(code).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                self._top_call(node, node.value)
            elif isinstance(node, ast.ClassDef) and node.name == "Runner":
                self._runner(node)
            elif isinstance(node, ast.FunctionDef) and node.name == "call":
                self.call = node.body
            elif isinstance(node, ast.FunctionDef) and node.name.startswith("partition_"):
                raise Refusal("the compiled code comes in several partitions")
        if not self.call:
            raise Refusal("the compiled code has no call()")

    def _top_call(self, node: ast.Assign, call: ast.Call) -> None:
        function = ast.unparse(call.func)
        if not function.startswith("async_compile."):
            return
        if function != "async_compile.triton":
            raise Refusal(f"a part of the graph runs elsewhere ({function})")
        name = ast.unparse(node.targets[0])
        source = ast.literal_eval(call.args[1])
        self.kernels[name] = read_kernel(source, len(self.kernels))

    def _runner(self, node: ast.ClassDef) -> None:
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == "call":
                self.call = method.body

    def nodes_before(self, statement: ast.stmt) -> str:
        """Return the names of what a statement computes, from the comment above it."""
        line = statement.lineno - 2
        while line >= 0 and self.lines[line].lstrip().startswith(("#", "raw_stream")):
            found = NODES.search(self.lines[line])
            if found:
                names = [name.strip() for name in found.group(1).split(",") if name.strip()]
                more = ", ..." if len(names) > MOST_NAMES else ""
                return ", ".join(names[:MOST_NAMES]) + more
            line -= 1
        return ""

    def statements(self) -> list[ast.stmt]:
        """Return the statements of call(), those under a device guard in line."""
        flat: list[ast.stmt] = []
        for statement in self.call:
            flat += statement.body if isinstance(statement, ast.With) else [statement]
        return flat
