"""What the review desk shows, as HTML: made by plain functions, with every text of a job made harmless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..label_records import NO_RULE, Record
from ._progress import Interval, Progress
from .page import frame, label, shown

__all__ = ["STYLE", "card", "frame", "label", "message", "progress", "queue_table", "shown", "stop_line"]

_MOST_BYTES = 40_000  # of the queue's still table: with the rest, a page stays under 50 KB
_ROWS = 20
_FACTS = (
    "file_input",
    "document_input_type",
    "job_id",
    "status",
    "configuration_id",
    "rule_set",
    "lang",
    "target_pages",
    "max_pages",
    "created_at",
)
STYLE = """<style>
.lcn .card td.review-key { font-weight: 600; white-space: nowrap; min-width: 0; }
.lcn .said td { background: rgba(0, 158, 115, .14) !important; }
.lcn .hidden { font-style: italic; }
.lcn .stop { border-left: 4px solid #009e73; padding: 4px 10px; font-weight: 600; }
.lcn .warn { border-left: 4px solid #d55e00; padding: 4px 10px; }
.lcn progress { width: 100%; height: 10px; max-width: 420px; vertical-align: middle; }
.lcn .facts th { white-space: nowrap; } .lcn .facts td { overflow-wrap: anywhere; }
.lcn .card td.text { min-width: 120px; }
.lcn figure { margin: 4px 0; } .lcn svg { max-width: 100%; height: auto; }
</style>"""


def message(text: str, is_error: bool = False) -> str:
    """Say what an act did, or why it did nothing."""
    kind, role = ("warn", "alert") if is_error else ("", "status")
    return frame(STYLE, f'<div class="{kind}" role="{role}">{shown(text, 2_000)}</div>') if text else ""


def progress(found: Progress, path: str, reviewer: str) -> str:
    """Show how far the reviewer is, and how well the accuracy is known."""
    parts = [f"{found.n_done:,} of {found.n:,} read"]
    parts += [f"{found.n_cant_tell:,} can't be told"] if found.n_cant_tell else []
    parts += [f"{found.n_skipped:,} skipped"] if found.n_skipped else []
    count = ", ".join(parts)
    bar = f'<progress max="{max(found.n, 1)}" value="{found.n_done}" aria-label="{count}"></progress>'
    lines = [f'<div><span class="count" role="status">{count}</span> {bar}</div>', f"<div>{_accuracy(found)}</div>"]
    lines.append(_trail(found.trail, found.margin))
    lines += [f'<div class="stop" role="status">{stop_line(found)}</div>'] if stop_line(found) else []
    lines.append(f"<div>Labels of {shown(reviewer, 60)} go to {shown(path, 300)}</div>")
    return "".join(lines)


def stop_line(found: Progress) -> str:
    """Say that the reviewer may stop, or that the queue is read; nothing otherwise."""
    if found.may_stop and found.interval is not None and found.margin is not None:
        return (
            f"You may stop now: the accuracy is known to ± {found.interval.half_width * 100:.1f} points, "
            f"and ± {found.margin * 100:.1f} were asked for."
        )
    if found.n_done < found.n or not found.n:
        return ""
    if found.margin is None or found.interval is None:
        return "Every job of the queue is read."
    return (
        f"Every job of the queue is read. For ± {found.margin * 100:.1f} points, plan on with these labels as the "
        "pilot: audit_plan(jobs, pilot=read_labels(…)), draw_sample, and review again."
    )


def _accuracy(found: Progress) -> str:
    one = found.interval
    if one is None:
        return f"Accuracy of all jobs: not known ({shown(found.why_not)})"
    wanted = "" if found.margin is None else f"; ± {found.margin * 100:.1f} asked for"
    by = f"by {one.n:,} label{'' if one.n == 1 else 's'}"
    ends = f"{found.assurance:.0%} interval {one.lower:.1%} to {one.upper:.1%}, ± {one.half_width * 100:.1f} points"
    return f"Accuracy of all jobs: <b>{one.accuracy:.1%}</b>, {by}; {ends}{wanted}"


def _trail(trail: Sequence[Interval], margin: float | None) -> str:
    """Draw how the interval narrowed with the labels."""
    if len(trail) < 2:
        return ""
    width, height, first, last = 420, 60, trail[0].n, trail[-1].n

    def at(n: int, value: float) -> str:
        return f"{4 + (n - first) / max(last - first, 1) * (width - 8):.1f},{4 + (1 - value) * (height - 8):.1f}"

    band = " ".join([*(at(one.n, one.upper) for one in trail), *(at(one.n, one.lower) for one in trail[::-1])])
    line = " ".join(at(one.n, one.accuracy) for one in trail)
    ends = trail[-1]
    aim = "" if margin is None else f"; the aim is ± {margin * 100:.1f} points"
    says = (
        f"Interval of the accuracy from {first:,} to {last:,} labels: it was {trail[0].lower:.0%} to "
        f"{trail[0].upper:.0%}, and is {ends.lower:.0%} to {ends.upper:.0%}{aim}"
    )
    box = f'x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" fill="none" stroke="currentColor" opacity=".3"'
    return (
        f'<figure><svg role="img" aria-label="{says}" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<rect {box}/><polygon points="{band}" fill="#56b4e9" opacity=".45"/><polyline points="{line}" fill="none" '
        f'stroke="currentColor" stroke-width="1.5"/></svg><figcaption>interval (0 to 100 %) from {first:,} to {last:,} '
        "labels</figcaption></figure>"
    )


def card(
    job: pd.Series, place: int, of: int, choices: dict[str, str], said: Record | None, is_hidden: bool, stage: str
) -> str:
    """Show one job to its reader: the document, the rules to choose by, and the answer unless it is hidden."""
    left = [f"<h4>Job {place + 1:,} of {of:,}{shown(stage, 80)}</h4>"]
    facts = [(name, _fact(job[name])) for name in _FACTS if name in job.index and pd.notna(job[name])]
    left.append('<table class="facts">' + "".join(f"<tr><th>{k}</th><td>{v}</td></tr>" for k, v in facts) + "</table>")
    if said is not None:
        what = shown(said.label, 200) if said.action == "label" else "can't tell"
        note = f", with the note: {shown(said.note, 1_000)}" if said.note else ""
        left.append(f"<h4>You said</h4><b>{what}</b>{note}")
    left.append("<h4>Answer</h4>")
    left.append('<span class="hidden">hidden until you have labelled this job</span>' if is_hidden else _answer(job))
    rows = []
    for number, (kind, text) in enumerate(choices.items(), start=1):
        is_answer = not is_hidden and job["outcome"] == "matched" and job["type"] == kind
        marks = ["answer"] * is_answer + ["you"] * (said is not None and said.label == kind)
        css = f"{'won' if is_answer else ''} {'said' if 'you' in marks else ''}"
        rows.append(
            f'<tr class="{css}"><td class="review-key">{number}</td><td>{shown(kind, 200)}</td>'
            f'<td class="text">{shown(text, 2_000)}</td><td>{", ".join(marks)}</td></tr>'
        )
    marks = ["you"] * (said is not None and said.label == NO_RULE)
    rows.append(f'<tr class="{"said" if marks else ""}"><td class="review-key">n</td><td>no rule fits</td><td></td>')
    rows.append(f"<td>{''.join(marks)}</td></tr>")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("key", "type", "what its rule asks for", "said by"))
    right = f"<h4>Rules to choose by</h4><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="card"><div class="columns"><div>{"".join(left)}</div><div>{right}</div></div></div>'


def _answer(job: pd.Series) -> str:
    what = shown(job["type"], 200) or "no type"
    stated = f", confidence {job['confidence']:.4g}" if pd.notna(job["confidence"]) else ""
    parts = [f"<b>{what}</b> ({shown(job['outcome'])}{stated})"]
    for title, name in (("Reasoning", "reasoning"), ("Error", "error_message")):
        if name in job.index and pd.notna(job[name]):
            parts.append(f'<h4>{title}</h4><div class="prose" dir="auto">{shown(job[name]) or "(empty)"}</div>')
    return "".join(parts)


def _fact(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S UTC}" if isinstance(value, pd.Timestamp) else shown(value, 300)


def queue_table(rows: Sequence[dict[str, Any]], of: int) -> str:
    """Give the first jobs of the queue as a table that needs no kernel, and stays small."""
    names = ("", "job_id", "document", "stratum", "your label", "answer", "confidence")
    body, size = [], 0
    for number, row in enumerate(rows[:_ROWS], start=1):
        confidence = row["confidence"]
        stated = f"{confidence:.4g}" if isinstance(confidence, float) and pd.notna(confidence) else ""
        answer = '<span class="hidden">hidden</span>' if row["is_hidden"] else shown(row["type"], 40)
        cells = [shown(row[name], 40) for name in ("job_id", "file_input", "stratum", "label")]
        line = "".join(f"<td>{cell}</td>" for cell in (f"{number:,}", *cells, answer, stated))
        size += len(line.encode("utf-8"))
        if size > _MOST_BYTES:
            break
        body.append(f"<tr>{line}</tr>")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rest = f"<div>and {of - len(body):,} more</div>" if of > len(body) else ""
    empty = f'<tr><td colspan="{len(names)}">nothing to read</td></tr>'
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body) or empty}</tbody></table>"
    return f'<div class="scroll" tabindex="0">{table}</div>{rest}'
