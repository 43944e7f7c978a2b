"""Merkle trees (RFC 6962): one value stands for many, and each of them can be shown to be among them by a short path.

A node is SHA-256 of a one byte, left and right; a leaf is SHA-256 of a zero byte and its text, so that no node can be
passed off as a leaf. Hashes are hex. An odd leaf is not doubled: the left part is the largest power of two.

What could go wrong: a second way to build the same tree, whose paths do not lead to the root of the first.
Source: RFC 6962, section 2.1.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import reduce

Peak = tuple[int, str]
Step = tuple[str, str]  # on which side the neighbour stands, "left" or "right", and its hash


def leaf(text: str) -> str:
    return hashlib.sha256(b"\0" + text.encode()).hexdigest()


def grown(peaks: Iterable[Peak], leaf: str) -> list[Peak]:
    """A tree with one more leaf. A tree is kept as its peaks: the roots of its whole sub-trees, the largest first, each
    with the number of its leaves. Twenty of them are enough for a million leaves."""
    tree = [(size, node) for size, node in peaks]
    _add(tree, leaf)
    return tree


def root(peaks: Iterable[Peak]) -> str:
    """The root of a tree; "" of an empty one."""
    nodes = [node for _size, node in peaks]
    return reduce(lambda right, left: _joined(left, right), reversed(nodes)) if nodes else ""


def path(leaves: Sequence[str], number: int) -> list[Step]:
    """What leads from the leaf of that number (from 0) to the root: the neighbours, each with its side."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if number < half:
        return [*path(leaves[:half], number), ("right", whole(leaves[half:]))]
    return [*path(leaves[half:], number - half), ("left", whole(leaves[:half]))]


def whole(leaves: Iterable[str]) -> str:
    """The root of the tree with these leaves."""
    tree: list[Peak] = []
    for each in leaves:
        _add(tree, each)
    return root(tree)


def climbed(leaf: str, way: Iterable[Sequence[str]]) -> str:
    """The root to which a path leads from a leaf. ValueError when a step is none."""
    for side, node in way:
        if side not in ("left", "right"):
            raise ValueError("A step of a path stands on the left or on the right.")
        leaf = _joined(node, leaf) if side == "left" else _joined(leaf, node)
    return leaf


def _add(tree: list[Peak], leaf: str) -> None:
    tree.append((1, leaf))
    while len(tree) > 1 and tree[-2][0] == tree[-1][0]:
        (size, left), (_size, right) = tree[-2:]
        tree[-2:] = [(2 * size, _joined(left, right))]


def _joined(left: str, right: str) -> str:
    return hashlib.sha256(b"\1" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()
