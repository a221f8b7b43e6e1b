"""The generated call() as statements of a forward: launches, library calls, buffers."""

from __future__ import annotations

import ast

from kernelsmith.seeds.kernel_text import Kernel
from kernelsmith.seeds.launch import Config, launch_text
from kernelsmith.seeds.layout import Layout, view_text
from kernelsmith.seeds.trace import Refusal

SILENT = ("set_device", "assert_alignment", "clear", "get_raw_stream")
RANDOM = ("inductor_seeds", "rand", "randn", "randint", "bernoulli", "dropout", "philox")


def literal(node: ast.expr) -> tuple[int, ...]:
    """Return a tuple of numbers; anything else is a shape that is not known in advance."""
    try:
        value = ast.literal_eval(node)
    except ValueError as error:
        raise Refusal(f"a shape that is not constant: {ast.unparse(node)}") from error
    return tuple(value)


def callee(call: ast.Call) -> str:
    """Return what is called, as written."""
    return ast.unparse(call.func)


class ForwardWriter:
    """Goes through the statements of call() once. Single thread."""

    def __init__(
        self,
        kernels: dict[str, Kernel],
        configs: dict[str, Config],
        inputs: list[str],
        device: str,
        state: set[str],
    ) -> None:
        """`inputs`: an expression for each input of the graph; `device`: for new buffers.

        `state`: those inputs that the module may change, as it does itself.
        """
        self.state = state
        self.kernels, self.configs, self.inputs, self.device = kernels, configs, inputs, device
        self.lines: list[str] = []
        self.guards: dict[str, Layout] = {}  # of inputs, by their expression
        self.results: list[str] | None = None
        self.needs_layout = False
        self.used: set[str] = set()  # kernels
        self._names: dict[str, str] = {}  # of the generated code: ours
        self._layouts: dict[str, Layout] = {}  # by our names
        self._alive: dict[str, set[str]] = {}  # our names: the generated ones for them
        self._kinds: dict[str, str] = {}  # dtypes of buffers, by our names
        self._reused: set[str] = set()  # generated names of old memory that were not used yet
        self._from_library: set[str] = set()
        self._note = ""

    def note(self, text: str) -> None:
        """Say what the next statement computes."""
        self._note = text

    def _emit(self, line: str) -> None:
        if self._note:
            self.lines.append(f"# {self._note}")
            self._note = ""
        self.lines.append(line)

    def statement(self, node: ast.stmt) -> None:
        """Write one statement."""
        if isinstance(node, ast.With):
            for inner in node.body:
                self.statement(inner)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            self._return(node.value)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._delete(ast.unparse(target))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._call(node.value)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            self._assign(node.targets[0], node.value)
        else:
            raise Refusal(f"a statement that is not known: {ast.unparse(node)[:100]}")

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Name) and value.id == "args":
            names = [ast.unparse(part) for part in target.elts]
            if len(names) != len(self.inputs):
                raise Refusal("the graph has other inputs than the compiled code")
            self._names.update(zip(names, self.inputs, strict=True))
            return
        if not isinstance(target, ast.Name):
            raise Refusal(f"an assignment that is not known: {ast.unparse(target)}")
        name = target.id
        if name.startswith("raw_stream") or name.startswith("stream"):
            return
        if isinstance(value, ast.Name):
            self._alias(name, self._expression(value))
            self._reused.add(name)
        elif isinstance(value, ast.Call):
            self._assign_call(name, value)
        elif isinstance(value, ast.Subscript):
            self._define(name, self._expression(value))
            self._from_library.add(name)
        else:
            raise Refusal(f"a value that is not known: {ast.unparse(value)[:100]}")

    def _assign_call(self, name: str, call: ast.Call) -> None:
        function = callee(call)
        if function == "copy_if_misaligned":
            return  # Triton looks at addresses when it launches
        if function.startswith("empty_strided"):
            layout = Layout(literal(call.args[0]), literal(call.args[1]))
            kind = ast.unparse(call.args[2])
            if function.endswith("_cpu") or function.endswith("_pinned"):
                raise Refusal("a part of the graph runs on the CPU")
            self._define(name, self._new_buffer(layout, kind))
            self._layouts[name] = layout
            self._kinds[name] = kind
        elif function == "reinterpret_tensor":
            text = self._expression(call)
            if text in self._alive or text in self.inputs:
                self._alias(name, text)
            else:
                self._define(name, text)
                self._layouts[name] = Layout(literal(call.args[1]), literal(call.args[2]))
        else:
            self._define(name, self._library(call))
            self._from_library.add(name)

    def _define(self, name: str, text: str) -> None:
        self._names[name] = name
        self._alive[name] = {name}
        self._emit(f"{name} = {text}")

    def _alias(self, name: str, ours: str) -> None:
        self._names[name] = ours
        self._alive.setdefault(ours, set()).add(name)

    def _new_buffer(self, layout: Layout, kind: str) -> str:
        place = f"dtype={kind}, device={self.device}"
        if layout.dense():
            return f"torch.empty({layout.size}, {place})"
        return f"torch.empty_strided({layout.size}, {layout.stride}, {place})"

    def _overwrites(self, node: ast.expr) -> None:
        """Give a name that stands for old memory a buffer of its own, when all of it is written.

        What the memory held before can then be kept, moved or computed at another time.
        """
        if not isinstance(node, ast.Name) or node.id not in self._reused:
            return
        self._reused.discard(node.id)
        ours = self._names[node.id]
        layout, kind = self._layouts.get(ours), self._kinds.get(ours)
        if layout is None or kind is None:
            return
        self._delete(node.id)
        self._define(node.id, self._new_buffer(layout, kind))
        self._layouts[node.id], self._kinds[node.id] = layout, kind

    def _delete(self, name: str) -> None:
        ours = self._names.get(name)
        if ours is None or ours in self.inputs:
            return
        names = self._alive[ours]
        names.discard(name)
        if not names:
            self.lines.append(f"del {ours}")

    def _call(self, call: ast.Call) -> None:
        function = callee(call)
        if function.endswith(".run"):
            self._launch(function.removesuffix(".run"), call)
        elif function == "assert_size_stride":
            self._known_layout(call)
        elif function.rpartition(".")[2] in SILENT:
            return
        elif function == "extern_kernels._mm_plus_mm":
            self._sum_of_products(call)
        elif function.startswith("extern_kernels.") or function.startswith("torch.ops."):
            self._emit(self._library(call))
        else:
            raise Refusal(f"a call that is not known: {function}")

    def _known_layout(self, call: ast.Call) -> None:
        name = self._expression(call.args[0])
        layout = Layout(literal(call.args[1]), literal(call.args[2]))
        self._layouts[name] = layout
        if name in self.inputs:
            self.guards[name] = layout
        elif name in self._from_library and layout.size:
            self.needs_layout = True
            self._emit(f"{name} = laid_out({name}, {layout.stride})")

    def _launch(self, name: str, call: ast.Call) -> None:
        kernel = self.kernels.get(name)
        if kernel is None:
            raise Refusal(f"a launch of {name}, which is no Triton kernel")
        self.used.add(name)
        pointers = [p for p in kernel.parameters if p not in kernel.blocks]
        for parameter, node in zip(pointers, call.args, strict=False):
            if parameter.startswith("out_ptr") and parameter not in kernel.mutated:
                self._overwrites(node)
        arguments = [self._expression(argument) for argument in call.args]
        for parameter, argument in zip(pointers, arguments, strict=False):
            if parameter in kernel.mutated or parameter.startswith(("out_ptr", "in_out_ptr")):
                self._may_write(argument)
        self._emit(launch_text(kernel, arguments, self.configs[name]))

    def _sum_of_products(self, call: ast.Call) -> None:
        a, b, c, d = [self._expression(argument) for argument in call.args]
        out = next(self._expression(k.value) for k in call.keywords if k.arg == "out")
        self._may_write(out)
        self._emit(f"torch.mm({a}, {b}, out={out})")
        self._emit(f"torch.addmm({out}, {c}, {d}, out={out})")

    def _may_write(self, name: str) -> None:
        if name in self.inputs and name not in self.state:
            raise Refusal(f"it writes to {name}, which belongs to the caller")

    def _library(self, call: ast.Call) -> str:
        function = callee(call)
        name = function.split(".")[2] if function.startswith("torch.ops.aten.") else ""
        if any(word in function for word in RANDOM):
            raise Refusal(f"it draws random numbers ({function})")
        arguments = [self._expression(argument) for argument in call.args]
        named = {k.arg: self._expression(k.value) for k in call.keywords if k.arg}
        self._may_write(named.get("out", ""))
        if name:
            parts = arguments + [f"{key}={value}" for key, value in named.items()]
            return f"{function}({', '.join(parts)})"
        operation = function.removeprefix("extern_kernels.")
        if operation == "convolution":
            order = ["bias", "stride", "padding", "dilation", "transposed", "output_padding"]
            parts = arguments + [named[key] for key in [*order[len(arguments) - 2 :], "groups"]]
            return f"torch.convolution({', '.join(parts)})"
        if operation in ("mm", "bmm", "addmm", "baddbmm"):
            for scale in ("alpha", "beta"):
                if named.get(scale) == "1":
                    del named[scale]
            parts = arguments + [f"{key}={value}" for key, value in named.items()]
            return f"torch.{operation}({', '.join(parts)})"
        raise Refusal(f"it calls {function}, which has no counterpart in torch's own functions")

    def _expression(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            self._reused.discard(node.id)
            return self._names.get(node.id, node.id)
        if isinstance(node, ast.Call) and callee(node) == "reinterpret_tensor":
            base = self._expression(node.args[0])
            layout = Layout(literal(node.args[1]), literal(node.args[2]))
            offset = int(ast.unparse(node.args[3]))
            return view_text(base, self._layouts.get(base), layout, offset)
        if isinstance(node, ast.Subscript):
            return f"{self._expression(node.value)}[{ast.unparse(node.slice)}]"
        if isinstance(node, ast.Tuple | ast.List):
            inner = ", ".join(self._expression(part) for part in node.elts)
            comma = "," if isinstance(node, ast.Tuple) and len(node.elts) == 1 else ""
            return f"({inner}{comma})" if isinstance(node, ast.Tuple) else f"[{inner}]"
        if isinstance(node, ast.Call) and callee(node) in ("device", "torch.device"):
            return self.device
        if isinstance(node, ast.Call):
            raise Refusal(f"a call that is not known: {callee(node)}")
        return ast.unparse(node)

    def _return(self, value: ast.Tuple) -> None:
        self.results = [self._expression(part) for part in value.elts]
        for result in self.results:
            if result in self.inputs:
                raise Refusal("it returns one of its inputs")
            if result == "None":
                raise Refusal("it returns something that is no tensor")
