"""What the explorer shows, as HTML: made of tables by plain functions, with every text of a job made harmless."""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

ROWS = 50  # of a page of the table
COLUMNS = ("job_id", "outcome", "type", "confidence", "reasoning", "error_message", "configuration_id", "created_at")
_CELL = 160  # characters of a text in the table
TEXT = 20_000  # characters of a text on a card

STYLE = """<style>
.lcn { color: var(--jp-ui-font-color1, inherit); font-family: var(--jp-ui-font-family, system-ui, sans-serif);
  font-size: 13px; line-height: 1.45; }
.lcn table { border-collapse: collapse; width: 100%; margin: 0; table-layout: auto; }
.lcn th, .lcn td { text-align: left !important; vertical-align: top; padding: 3px 10px 3px 0; white-space: normal;
  border-bottom: 1px solid var(--jp-border-color2, #ddd); background: none !important; }
.lcn th { color: var(--jp-ui-font-color2, #555); font-weight: 600; }
.lcn thead th { white-space: nowrap; }
.lcn td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.lcn td.id, .lcn td.time { white-space: nowrap; font-size: 12px; }
.lcn td.text { overflow-wrap: anywhere; min-width: 240px; }
.lcn .scroll { max-height: 420px; overflow: auto; }
.lcn .count { font-size: 15px; font-weight: 600; }
.lcn .won td { font-weight: 600; } .lcn .won td:nth-child(2) { white-space: nowrap; }
.lcn .prose { white-space: pre-wrap; overflow-wrap: anywhere; }
.lcn .card { border: 1px solid var(--jp-border-color2, #ddd); border-radius: 4px; padding: 10px 14px;
  overflow-wrap: anywhere; }
.lcn .card td { min-width: 60px; } .lcn .card td:has(+ td.text) { min-width: 130px; }
.lcn .columns { display: flex; flex-wrap: wrap; gap: 8px 32px; }
.lcn .columns > div { flex: 1 1 320px; min-width: 0; }
.lcn .pictures { display: grid; gap: 8px 32px; max-width: 1160px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
.lcn h4 { margin: 10px 0 4px; font-size: 13px; color: var(--jp-ui-font-color2, #555); }
.lcn mark { background: #ffe08a; color: #000; }
.lcn pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px; margin: 0; }
.lcn th[aria-sort="ascending"]::after { content: " \\25b2"; }
.lcn th[aria-sort="descending"]::after { content: " \\25bc"; }
.lcn .facts th { white-space: nowrap; } .lcn .facts td { overflow-wrap: anywhere; }
.lcn-pick input::placeholder { color: var(--jp-widgets-input-color, inherit); opacity: 1; }
.lcn-pick input::-webkit-calendar-picker-indicator { opacity: 1; }
.lcn svg { vertical-align: middle; max-width: 100%; }
.lcn img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
</style>"""


def frame(*parts: str) -> str:
    """Give parts as one page."""
    return f'{STYLE}<div class="lcn">{"".join(parts)}</div>'


def shown(value: Any, limit: int = TEXT, mark: str = "") -> str:
    """Give a stranger's text as HTML: escaped, its controls visible, cut at ``limit``, with ``mark`` marked in it."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    text = str(value)
    rest = f" … ({len(text):,} characters)" if len(text) > limit else ""
    clean = _clean(text[:limit])
    if not mark:
        return html.escape(clean + rest)
    parts, end = [], 0
    for found in re.finditer(re.escape(mark), clean, re.IGNORECASE):
        parts += [html.escape(clean[end : found.start()]), f"<mark>{html.escape(found.group())}</mark>"]
        end = found.end()
    return "".join(parts) + html.escape(clean[end:] + rest)


def label(value: Any, limit: int = 60) -> str:
    """Give a stranger's text for a control, which shows text as text: its controls visible, cut."""
    text = str(value)
    return _clean(text[:limit].replace("\n", " ")) + ("…" if len(text) > limit else "")


def _clean(text: str) -> str:
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    """Give a character that shows: controls, and marks that would turn the line around, as their escapes."""
    if char in "\n\t" or char.isprintable() or unicodedata.category(char) == "Zs":
        return char
    return char.encode("unicode_escape", "replace").decode("ascii")


def count_line(n: int, of: int) -> str:
    """Say how many jobs are left."""
    share = f" ({n / of:.1%})" if of and n < of else ""
    return f'<span class="count" role="status">{n:,} of {of:,} job{"" if of == 1 else "s"}{share}</span>'


def busy_line(text: str) -> str:
    """Say that a text is being looked for."""
    return f" <span>looking for {shown(text, 60)} …</span>"


def pictures(drawn: Iterable[tuple[bytes, str]]) -> str:
    """Show pictures, each of PNG and of words, side by side."""
    images = []
    for png, alt in drawn:
        data = base64.b64encode(png).decode("ascii")
        images.append(f'<div><img src="data:image/png;base64,{data}" alt="{shown(alt, 400)}"></div>')
    return f'<div class="pictures">{"".join(images)}</div>'


def table(
    jobs: list[dict[str, Any]], first: int, mark: str = "", sort: tuple[str, bool] = ("", True), room: int = 0
) -> str:
    """Give a page of the table jobs, rows of ``COLUMNS``; its first row has the number ``first`` + 1.

    ``sort`` is the column that it is ordered by, and whether upwards; ``room`` the most bytes that its rows may take.
    """
    names = (
        "",
        "job_id",
        "outcome",
        "type",
        "confidence",
        "reasoning or error",
        "configuration_id",
        "created_at (UTC)",
    )
    head = "".join(f'<th scope="col"{_sorted(name, *sort)}>{name}</th>' for name in names)
    rows = [_row(number, row, mark) for number, row in enumerate(jobs, start=first + 1)]
    if room:
        sizes = np.cumsum([len(row.encode()) for row in rows] or [0])
        rows = rows[: int((sizes <= room).sum())] if len(rows) else rows
    body = "".join(rows) or f'<tr><td colspan="{len(names)}">no jobs</td></tr>'
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _sorted(name: str, column: str, ascending: bool) -> str:
    if not column or name.partition(" ")[0] != column:
        return ""
    return f' aria-sort="{"ascending" if ascending else "descending"}"'


def _row(place: int, row: dict[str, Any], mark: str) -> str:
    text = row["error_message"] if isinstance(row["error_message"], str) else row["reasoning"]
    job_id = row["job_id"]
    # Ids may begin alike, or end alike: both ends tell the rows of a page apart, and the card has all of it.
    short = job_id if len(job_id) <= 12 else f"{job_id[:4]}…{job_id[-6:]}"
    cells = (
        f'<td class="number">{place:,}</td>',
        f'<td class="id" title="{shown(job_id, 200)}">{shown(short)}</td>',
        f"<td>{shown(row['outcome'])}</td>",
        f"<td>{shown(row['type'], 60)}</td>",
        f'<td class="number">{number(row["confidence"])}</td>',
        f'<td class="text">{shown(text, _CELL, mark)}</td>',
        f"<td>{shown(row['configuration_id'], 60)}</td>",
        f'<td class="time">{time(row["created_at"], "%Y-%m-%d %H:%M")}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>"


def number(value: float) -> str:
    """Give a confidence as it is read."""
    return "" if pd.isna(value) else f"{value:.4g}"


def time(value: Any, form: str = "%Y-%m-%d %H:%M:%S UTC") -> str:
    """Give a time as it is read."""
    return "" if pd.isna(value) else str(value.strftime(form))
