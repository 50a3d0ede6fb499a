"""Edits of a report's files that keep every other byte as it was, to see whether they are found."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

_OTHERS = [
    "0.125",
    '"x"',
    "",
    '""',
    "-7",
    "true",
    "1e308",
    "nan",
    '"\'=1+1"',
    '"\u202e"',
    "0",
    "2026-01-31T00:00:00+00:00",
]


class Edit(NamedTuple):
    """One cell that was changed: its file, its row from 1 below the header (0: the header), and its column."""

    file: str
    row: int
    column: str
    before: str
    after: str


def fields_of(text: str) -> list[list[tuple[int, int]]]:
    """Give the place of each field of a CSV text, row by row; no CSV writer keeps quotes as they were."""
    rows: list[list[tuple[int, int]]] = [[]]
    start, is_quoted = 0, False
    for place, char in enumerate(text):
        if char == '"':
            is_quoted = not is_quoted
        elif char in ",\n" and not is_quoted:
            rows[-1].append((start, place))
            start = place + 1
            if char == "\n":
                rows.append([])
    return rows[:-1]


def change(path: Path, row: int, column: int, value: str) -> Edit:
    """Put other bytes in the place of one cell."""
    text = path.read_bytes().decode()
    fields = fields_of(text)
    (start, end), (left, right) = fields[row][column], fields[0][column]
    path.write_bytes((text[:start] + value + text[end:]).encode())
    return Edit(path.name, row, meant(text[left:right]), text[start:end], value)


def change_any(path: Path, draw: random.Random) -> Edit:
    """Change one cell of a file that has rows, drawn at random, to something else."""
    fields = fields_of(path.read_bytes().decode())
    row, column = draw.randrange(1, len(fields)), draw.randrange(len(fields[0]))
    start, end = fields[row][column]
    before = path.read_bytes().decode()[start:end]
    return change(path, row, column, another(before, draw))


def another(before: str, draw: random.Random) -> str:
    """Give what may stand in a cell's place: any other value, or the same with one character changed."""
    after = draw.choice(_OTHERS)
    inner = [place for place, char in enumerate(before) if char.isalnum()]
    if inner and draw.random() < 0.6:
        place = draw.choice(inner)
        swapped = str((int(before[place]) + 1) % 10) if before[place] in "0123456789" else before[place].swapcase()
        after = before[:place] + (swapped if swapped != before[place] else "z") + before[place + 1 :]
    return after if meant(after) != meant(before) or bool(after) != bool(before) else '"another"'


def meant(cell: str) -> str:
    """Give the text that the bytes of a cell mean."""
    return cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell
