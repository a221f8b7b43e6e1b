"""How a kernel is launched: its blocks, its warps, its grid."""

from __future__ import annotations

from typing import Any

from kernelsmith.seeds.kernel_text import Kernel
from kernelsmith.seeds.trace import Refusal

Config = dict[str, int]  # values of the constexpr parameters, num_warps, num_stages


def power_of_two(value: int) -> int:
    """Return the next power of two."""
    return 1 << max(value - 1, 0).bit_length()


def default_config(kernel: Kernel) -> Config:
    """Return blocks for a kernel whose trace says nothing of them."""
    hints = {axis: power_of_two(size) for axis, size in kernel.size_hints.items()}
    config: Config = {}
    if kernel.kind == "pointwise":
        most = {1: 1024, 2: 32, 3: 16}[max(len(hints), 1)]
        for axis in hints:
            config[f"{axis.upper()}BLOCK"] = min(most, hints[axis])
        elements = 1
        for size in config.values():
            elements *= size
        warps = max(1, min(8, elements // 256))
    else:
        row = 1
        for axis in hints:
            if axis.startswith("r"):
                name = f"{axis.upper()}BLOCK"
                row *= kernel.fixed.get(name, min(hints[axis], 2048))
                if name in kernel.blocks:
                    config[name] = min(hints[axis], 2048)
        if "XBLOCK" in kernel.blocks:
            config["XBLOCK"] = max(1, min(hints.get("x", 1), 1024 // row))
        if "YBLOCK" in kernel.blocks:
            config["YBLOCK"] = 1
        elements = row * config.get("XBLOCK", 1)
        warps = max(1, min(16, elements // 256))
    return {**config, "num_warps": power_of_two(warps), "num_stages": 1}


def config_of(kernel: Kernel, recorded: dict[str, Any] | None) -> Config:
    """Return what every constexpr parameter is, and the warps."""
    config = default_config(kernel) if recorded is None else dict(recorded)
    missing = [name for name in kernel.blocks if name not in config]
    if missing:
        raise Refusal(f"nothing says what {', '.join(missing)} of {kernel.name} is")
    known = [*kernel.blocks, "num_warps", "num_stages"]
    return {name: config[name] for name in known if name in config}


def _programs(kernel: Kernel, axis: str, config: Config) -> str:
    extent = kernel.extents.get(f"{axis}numel")
    if extent is None:
        raise Refusal(f"the extent of {kernel.name} along {axis} is not known")
    block = f"{axis.upper()}BLOCK"
    if block not in kernel.blocks:
        block_size = kernel.fixed.get(block, 1)
        return str(-(-extent // block_size))
    return f'triton.cdiv({extent}, meta["{block}"])'


def grid_text(kernel: Kernel, config: Config) -> str:
    """Return the grid as an expression that follows the blocks of the launch."""
    axes = {"Grid1D": "x", "Grid2D": "xy", "Grid3D": "xyz"}.get(kernel.grid_type)
    if kernel.grid_type == "Grid2DWithYZOverflow":
        return _overflowing_grid(kernel, config)
    if axes is None:
        raise Refusal(f"the kernel {kernel.name} has a grid of the kind '{kernel.grid_type}'")
    parts = [_programs(kernel, axis, config) for axis in axes]
    tuple_text = f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    return f"lambda meta: {tuple_text}" if "meta" in tuple_text else tuple_text


def _overflowing_grid(kernel: Kernel, config: Config) -> str:
    if "YBLOCK" not in kernel.blocks:
        raise Refusal(f"the grid of {kernel.name} is not known")
    rows = -(-kernel.extents["ynumel"] // config["YBLOCK"])
    split = -(-rows // 65535)
    x = _programs(kernel, "x", config)
    y = f'triton.cdiv(triton.cdiv({kernel.extents["ynumel"]}, meta["YBLOCK"]), {split})'
    return f"lambda meta: ({x}, {y}, {split})"


def launch_text(kernel: Kernel, arguments: list[str], config: Config) -> str:
    """Return a launch as a statement. `arguments`: as the generated code passes them."""
    if len(arguments) != len([p for p in kernel.parameters if p not in kernel.blocks]):
        raise Refusal(f"{kernel.name} is launched with another number of arguments than it has")
    kept = [
        argument
        for parameter, argument in zip(kernel.parameters, arguments, strict=False)
        if parameter not in kernel.dropped
    ]
    named = [f"{name}={value}" for name, value in config.items()]
    return f"{kernel.name}[{grid_text(kernel, config)}]({', '.join([*kept, *named])})"


def wrapped(line: str, indent: int, width: int = 100) -> list[str]:
    """Return a call as lines of at most `width` columns where its last parentheses allow it."""
    if len(line) + indent <= width or not line.endswith(")"):
        return [line]
    depth, start = 0, len(line) - 1
    for start in range(len(line) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(line[start], 0)
        if depth == 0:
            break
    inner = line[start + 1 : -1]
    if not inner or len(inner) + indent + 4 > width:
        return [line[: start + 1], *[f"    {p}," for p in arguments_of(inner)], ")"]
    return [line[: start + 1], f"    {inner}", ")"]


def arguments_of(text: str) -> list[str]:
    """Return the parts of a list of arguments."""
    parts, depth, begin = [], 0, 0
    for index, letter in enumerate(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(text[begin:index].strip())
            begin = index + 1
    return [*parts, text[begin:].strip()]
