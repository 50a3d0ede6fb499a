"""The card of one job, as HTML: its answer among its like, its rules, its error, and what else is known of it."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from ._facts import Known, Place
from ._index import BINS
from ._rules import rules_of
from .page import TEXT, number, shown, time

_FACTS = (
    "job_id",
    "status",
    "file_input",
    "document_input_type",
    "configuration_id",
    "rule_set",
    "mode",
    "lang",
    "max_pages",
    "target_pages",
    "transaction_id",
)
_MOST_RULES = 200


def card(job: pd.Series, rules: pd.DataFrame, known: Known, mark: str = "", raw: dict[str, Any] | None = None) -> str:
    """Show one job: its answer beside its rules, its error, label, times and reruns, and its raw answer if given."""
    left = [_answer(job, known)]
    if pd.notna(job["reasoning"]):
        text = shown(job["reasoning"], mark=mark) or "(empty)"
        left.append(f'<h4>Reasoning</h4><div class="prose" dir="auto">{text}</div>')
    left += [_error(job, known, mark), _facts(job)]
    right = f"<h4>Rules it was judged by</h4>{_rules(job, rules)}"
    below = _same_file(job, known)  # too wide for half of the card
    if raw is not None:
        text = shown(json.dumps(raw, indent=2, ensure_ascii=False), 4 * TEXT)
        below += f'<h4>Raw answer</h4><div class="scroll" tabindex="0"><pre>{text}</pre></div>'
    return f'<div class="card"><div class="columns"><div>{"".join(left)}</div><div>{right}</div></div>{below}</div>'


def _answer(job: pd.Series, known: Known) -> str:
    answer = shown(job["outcome"])
    if pd.notna(job["type"]):
        answer = f"{shown(job['type'], 200)} ({answer})"
    if pd.notna(job["confidence"]):
        answer += f", confidence {number(job['confidence'])}"
    parts = [f"<h4>Answer</h4><b>{answer}</b>"]
    if known.place is not None:
        kind = f"of type {shown(job['type'], 60)}" if pd.notna(job["type"]) else "without a type"
        words = place_words(known.place)
        parts.append(f"<div>{_bar(known.place)} among the {known.place.n:,} answers {kind}: {words}</div>")
    if known.label is not None:
        verdict = {True: ": the answer is right", False: ": the answer is wrong", None: ""}[known.is_right]
        parts.append(f"<h4>Label</h4><b>{shown(known.label, 200)}</b>{verdict}")
    return "".join(parts)


def place_words(place: Place) -> str:
    """Say in words where a confidence stands among those of its type."""
    if place.n == 1:
        return "it is the only one"
    n_above = place.n - place.n_below - place.n_same
    same = f", {place.n_same - 1:,} as sure" if place.n_same > 1 else ""
    return f"{place.n_below:,} are less sure{same}, {n_above:,} surer (quantile {place.quantile:.2f})"


def _bar(place: Place) -> str:
    """Draw how the confidences of its type are spread, and in which bin it stands."""
    width, height, top = 6, 22, max(place.bins)
    bars = []
    for at, count in enumerate(place.bins):
        tall = max(height * count / top, 1.0 if count else 0.0)
        look = 'fill="#d55e00"' if at == place.bin else 'fill="currentColor" opacity=".4"'
        bars.append(
            f'<rect x="{at * width}" y="{height - tall:.1f}" width="{width - 1}" height="{tall:.1f}" {look}></rect>'
        )
    low, high = place.bin / BINS, (place.bin + 1) / BINS
    says = f"Confidences from 0 to 1 of the answers of its type; this one is between {low:.2f} and {high:.2f}"
    size = f'width="{width * BINS}" height="{height}" viewBox="0 0 {width * BINS} {height}"'
    return f'<svg role="img" aria-label="{says}" {size}>{"".join(bars)}</svg>'


def _error(job: pd.Series, known: Known, mark: str) -> str:
    text = ""
    if pd.notna(job["error_message"]):
        text = f'<h4>Error</h4><div class="prose" dir="auto">{shown(job["error_message"], mark=mark)}</div>'
    if known.cause is None:
        return text
    again = {True: "may help", False: "won't help", None: "may help or not: unknown"}[known.retryable]
    return f"{text}<h4>Cause</h4><b>{shown(known.cause)}</b>. {shown(known.advice)} Asking again as it is {again}."


def _facts(job: pd.Series) -> str:
    facts = [(name, shown(job[name], 300)) for name in _FACTS if name in job.index and pd.notna(job[name])]
    facts += [(name, time(job[name])) for name in ("created_at", "updated_at") if pd.notna(job[name])]
    if pd.notna(job["duration_s"]):
        facts.append(("duration_s", f"{job['duration_s']:,.3f}"))
    rows = "".join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in facts)
    return f'<h4>Facts</h4><table class="facts">{rows}</table>'


def _rules(job: pd.Series, rules: pd.DataFrame) -> str:
    mine = rules_of(rules, job["rule_set"]).sort_values("position")
    rows = []
    for place, rule in enumerate(mine.head(_MOST_RULES).to_dict("records"), start=1):
        won = job["outcome"] == "matched" and rule["type"] == job["type"]
        rows.append(
            f'<tr class="{"won" if won else ""}"><td class="number">{place}</td><td>{"matched" if won else ""}</td>'
            f"<td>{shown(rule['type'], 200)}</td><td class='text'>{shown(rule['description'], 2_000)}</td></tr>"
        )
    more = f"<div>and {len(mine) - _MOST_RULES:,} more</div>" if len(mine) > _MOST_RULES else ""
    return f"<table>{''.join(rows)}</table>{more}"


def _same_file(job: pd.Series, known: Known) -> str:
    if known.same_file is None or not known.n_same_file:
        return ""
    rows = []
    for other in known.same_file.to_dict("records"):
        same = all(_same(other[name], job[name]) for name in ("configuration_id", "rule_set"))
        rows.append(
            f'<tr><td class="id" title="{shown(other["job_id"], 200)}">{shown(other["job_id"], 36)}</td>'
            f"<td>{'rerun' if same else 'other'}: {shown(other['configuration_id'], 60) or '(none)'}</td>"
            f"<td>{shown(other['type'], 60) or shown(other['outcome'])}{_flipped(job, other)}</td>"
            f'<td class="number">{number(other["confidence"])}</td>'
            f'<td class="time">{time(other["created_at"], "%Y-%m-%d %H:%M")}</td></tr>'
        )
    names = ("job_id", "configuration", "answer", "confidence", "created_at (UTC)")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    left = known.n_same_file - len(known.same_file)
    more = f"<div>and {left:,} more</div>" if left else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    title = f"<h4>Other jobs about this file ({known.n_same_file:,})</h4>"
    return f'{title}<div class="scroll" tabindex="0">{table}</div>{more}'


def _flipped(job: pd.Series, other: dict[Any, Any]) -> str:
    """Mark another answer; only jobs that were answered can flip."""
    answered = ("matched", "no_match")
    if job["outcome"] not in answered or other["outcome"] not in answered:
        return ""
    return "" if _same(job["type"], other["type"]) else " <b>(flip)</b>"


def _same(a: Any, b: Any) -> bool:
    return bool(pd.isna(b) if pd.isna(a) else pd.notna(b) and a == b)
