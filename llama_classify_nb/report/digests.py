"""Sums over the cells of a CSV file, by which a single cell that was changed is found.

For each column and each block of rows two sums are kept, both modulo 2**64: that of the hashes of its cells, and that
of the hashes times their place in the block. If one cell changes, the hash at place i by d, the first sum is off by d
and the second by i * d, which tells i. SHA-256 tells *that* a file was changed; the sums tell *where*, at a few bytes
per thousand rows. They are no protection against somebody who changes them, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ..export import read_blocks

ROWS = 10_000  # of a block
_PIECE = 1_000  # texts that are objects of Python at a time
_MISSING = np.uint64(0x9E3779B97F4A7C15)
#: Sums by column: for each block, two numbers in base 16.
Sums = dict[str, list[list[str]]]


def file_digest(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cell_sums(path: Path) -> Sums:
    """Give the sums of a CSV file that ``write_csv`` wrote."""
    found: Sums = {}
    for block in read_blocks(path, ROWS):
        for name, cells in zip(block.column_names, block.columns, strict=True):
            found.setdefault(name, []).append([f"{number:016x}" for number in _sums(_hashes(cells))])
    return found


def changed_cells(path: Path, known: Sums) -> Iterator[tuple[int | None, str]]:
    """Give row (from 0) and column of each cell of a file that is not as its sums say.

    The row is None where more than one cell of a block and column changed, or the number of rows did.
    """
    n_blocks = 0
    for number, block in enumerate(read_blocks(path, ROWS)):
        n_blocks += 1
        for name, cells in zip(block.column_names, block.columns, strict=True):
            was = known.get(name, [])
            if number >= len(was):
                yield None, name
                continue
            hashes = _hashes(cells)
            off = [(now - int(then, 16)) % 2**64 for now, then in zip(_sums(hashes), was[number], strict=True)]
            if any(off):
                place = _place(len(hashes), off)
                yield (None if place is None else number * ROWS + place), name
    for name, was in known.items():
        if len(was) > n_blocks:
            yield None, name


def _place(n: int, off: list[int]) -> int | None:
    """Give the place of the only cell that changed, from what the two sums are off by."""
    by, by_place = np.uint64(off[0]), np.uint64(off[1])
    found = np.flatnonzero(np.arange(1, n + 1, dtype=np.uint64) * by == by_place)
    return int(found[0]) if len(found) == 1 else None


def _sums(hashes: np.ndarray) -> list[int]:
    places = np.arange(1, len(hashes) + 1, dtype=np.uint64)
    return [int(hashes.sum(dtype=np.uint64)), int((hashes * places).sum(dtype=np.uint64))]


def _hashes(cells: Any) -> np.ndarray:
    """Hash each cell; what occurs often is hashed once."""
    encoded = pc.dictionary_encode(cells.combine_chunks())
    if hasattr(encoded, "combine_chunks"):
        encoded = encoded.combine_chunks()
    words = encoded.dictionary
    pieces = (words.slice(start, _PIECE).to_pylist() for start in range(0, len(words), _PIECE))
    hashes = [pd.util.hash_array(np.array(piece, object), categorize=False) for piece in pieces]
    hashes.append(np.array([_MISSING]))
    codes = encoded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.asarray(np.concatenate(hashes)[codes])
