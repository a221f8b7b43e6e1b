"""Sizes and strides of buffers, and views of them as people write them."""

from __future__ import annotations

import dataclasses


def contiguous(size: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of memory in row-major order."""
    strides, step = [], 1
    for extent in reversed(size):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))


def count(size: tuple[int, ...]) -> int:
    """Return the number of elements."""
    total = 1
    for extent in size:
        total *= extent
    return total


@dataclasses.dataclass(frozen=True)
class Layout:
    """Sizes and strides."""

    size: tuple[int, ...]
    stride: tuple[int, ...]

    def dense(self) -> bool:
        """Whether this is memory in row-major order; strides of one element do not count."""
        wanted = contiguous(self.size)
        return all(
            extent == 1 or own == want
            for extent, own, want in zip(self.size, self.stride, wanted, strict=True)
        )

    def same(self, other: Layout) -> bool:
        """Whether both reach the same elements by the same indices."""
        return self.size == other.size and all(
            extent == 1 or own == others
            for extent, own, others in zip(self.size, self.stride, other.stride, strict=True)
        )


def permutation(old: Layout, new: Layout) -> list[int] | None:
    """Return the order of axes that makes one of the other."""
    if len(old.size) != len(new.size):
        return None
    left = list(range(len(old.size)))
    order = []
    for pair in zip(new.size, new.stride, strict=True):
        found = [i for i in left if (old.size[i], old.stride[i]) == pair]
        if not found:
            return None
        order.append(found[0])
        left.remove(found[0])
    return order


def view_text(base: str, old: Layout | None, new: Layout, offset: int) -> str:
    """Return `base` seen with another layout, `offset` elements behind its first one."""
    if old is not None and offset == 0:
        if old.same(new):
            return base
        if old.dense() and new.dense() and count(old.size) == count(new.size):
            return f"{base}.view({', '.join(map(str, new.size))})"
        order = permutation(old, new)
        if order == [1, 0]:
            return f"{base}.t()"
        if order is not None:
            return f"{base}.permute({', '.join(map(str, order))})"
    place = f", {base}.storage_offset() + {offset}" if offset else ""
    return f"{base}.as_strided({new.size}, {new.stride}{place})"
