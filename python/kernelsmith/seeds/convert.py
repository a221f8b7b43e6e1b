"""From what torch.compile wrote to a candidate that stands alone. Text to text; runs nothing."""

from __future__ import annotations

import ast
import re

from kernelsmith.seeds.graph_inputs import input_expressions, own_buffers
from kernelsmith.seeds.helper_functions import helpers_for
from kernelsmith.seeds.kernel_text import Kernel
from kernelsmith.seeds.launch import config_of, wrapped
from kernelsmith.seeds.layout import Layout
from kernelsmith.seeds.module_source import ModuleText, squeeze, with_forward
from kernelsmith.seeds.output_code import OutputCode
from kernelsmith.seeds.trace import Refusal, Trace
from kernelsmith.seeds.wrapper import ForwardWriter

LAID_OUT = '''
def laid_out(tensor, stride):
    """The tensor, or a copy with these strides where the library chose others."""
    own = zip(tensor.shape, tensor.stride(), stride)
    if all(size == 1 or have == want for size, have, want in own):
        return tensor
    copy = torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype, device=tensor.device)
    return copy.copy_(tensor)
'''


def compiled_text(text: str, file: str, trace: Trace) -> str:
    """Return ModelNew with the compiler's kernels. Raises Refusal with the reason."""
    module = ModuleText(text, file)
    arguments = module.forward_arguments()
    inputs = input_expressions(trace.sources)
    code = OutputCode(trace.code)
    configs = {
        name: config_of(kernel, trace.configs.get(name)) for name, kernel in code.kernels.items()
    }
    tensors = [i for i in inputs if re.split(r"[.\[]", i)[0] in arguments]
    if not tensors:
        raise Refusal("no argument of forward is a tensor that the graph reads")
    state = own_buffers(trace.sources)
    writer = ForwardWriter(code.kernels, configs, inputs, f"{tensors[0]}.device", state)
    for statement in code.statements():
        writer.note(code.nodes_before(statement))
        writer.statement(statement)
        writer.note("")
    lines = [*guards(writer.guards, tensors), *writer.lines, result_line(writer.results, trace)]
    body = [part for line in lines for part in wrapped(line, 8)]
    roots = {re.split(r"[.\[]", expression)[0] for expression in inputs}
    base = with_forward(text, file, body, roots - {"self"} | {"torch"})
    kernels = [kernel for name, kernel in code.kernels.items() if name in writer.used]
    return assemble(base, kernels, writer.needs_layout, trace)


def guards(layouts: dict[str, Layout], tensors: list[str]) -> list[str]:
    """Return statements that refuse other shapes than the kernels are for."""
    lines = []
    for name in tensors:
        layout = layouts.get(name)
        if layout is None:
            continue
        dense = f"not {name}.is_contiguous()"
        if not layout.dense():
            dense = f"{name}.stride() != {layout.stride}"
        lines.append(f"if {name}.shape != {layout.size} or {dense}:")
        lines.append(f'    raise ValueError("{name}: the kernels are for {list(layout.size)}")')
    return lines


def result_line(results: list[str] | None, trace: Trace) -> str:
    """Return the statement that gives what the module gives."""
    if not results:
        raise Refusal("the graph has no result")
    order = list(range(len(results))) if trace.order is None else trace.order
    if any(index >= len(results) for index in order):
        raise Refusal("the module returns something that the graph does not compute")
    if trace.single and len(order) != 1:
        raise Refusal("the module returns one tensor of a graph with several")
    values = [results[index] for index in order]
    if len(set(values)) != len(values):
        raise Refusal("the module returns a tensor twice")
    if trace.single:
        return f"return {values[0]}"
    return f"return ({', '.join(values)}{',' if len(values) == 1 else ''})"


def wrapped_definition(text: str) -> list[str]:
    """Return a kernel with its parameters on lines of their own where they are many."""
    lines = []
    for line in text.splitlines():
        if line.startswith("def ") and len(line) > 100:
            lines += [part for part in wrapped(line[:-1], 0)]
            lines[-1] += ":"
        else:
            lines.append(line)
    return lines


def assemble(base: str, kernels: list[Kernel], needs_layout: bool, trace: Trace) -> str:
    """Put imports, kernels and classes into one file."""
    helpers: dict[str, ast.FunctionDef] = {}
    for kernel in kernels:
        for name, function in kernel.helpers.items():
            known = helpers.setdefault(name, function)
            if ast.unparse(known) != ast.unparse(function):
                raise Refusal(f"two kernels have different functions '{name}'")
    functions = [*helpers.values(), *[kernel.definition for kernel in kernels]]
    texts = [
        *helpers_for(functions, trace.helpers),
        *[ast.unparse(function) for function in helpers.values()],
        *["\n".join(wrapped_definition(kernel.text())) for kernel in kernels],
    ]
    if needs_layout:
        texts.append(LAID_OUT.strip())
    tree = ast.parse(base)
    head = 0  # lines of docstring and imports
    for node in tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not isinstance(node, ast.Import | ast.ImportFrom) and not is_docstring:
            break
        head = node.end_lineno or head
    lines = base.splitlines()
    imports = ["import triton", "import triton.language as tl"] if kernels else []
    if any("libdevice." in text for text in texts):
        imports.append("from triton.language.extra import libdevice")
    top = "\n".join([*lines[:head], *[i for i in imports if i not in lines[:head]]])
    origin = f"# Kernels and their order: torch.compile of torch {trace.torch}"
    origin += f", blocks chosen on {trace.device}." if trace.device else "."
    rest = "\n".join(lines[head:]).strip("\n")
    return squeeze("\n\n\n".join([f"{top}\n\n{origin}", *texts, rest]))
