"""What the jobs say of the rules: which never win, which get in each other's way, what is wrong as written."""

from __future__ import annotations

import pandas as pd

from ._words import Audit, Picture, Rows, Section, count, decimals, listed, number, quoted, rows, said


def rules(audit: Audit) -> Section | None:
    """How do the rules do?"""
    usage, overlap, lint = (audit.table(name) for name in ("rule_usage", "rule_overlap", "rule_lint"))
    if not len(usage):
        return None
    sentences = [*_usage(usage), *_overlap(overlap)]
    if len(lint):
        sentences.append(
            f"As they are written, {count(len(lint), 'thing')} should be looked at, such as: "
            f"{said(lint['finding'].iloc[0])}"
        )
    else:
        sentences.append("As they are written, nothing is amiss by the rules' own texts.")
    place = audit.table("rule_position_effect")
    told = place[place["verdict"] != "cannot be told"] if len(place) else place
    if len(told) and (told["p_adjusted"] < 0.05).any():
        found = told.iloc[int(told["p_adjusted"].argmin())]
        sentences.append(f"A rule's place in the list matters for {quoted(found['type'])}: {said(found['reason'])}")
    pictures = (
        Picture("rule_usage", "How often each rule won."),
        Picture("rule_overlap", "Pairs of rules: the share of all confusions that is to be expected of each."),
    )
    return Section("rules", "What the jobs say of the rules", sentences, pictures, _tables(overlap, lint))


def _usage(usage: pd.DataFrame) -> list[str]:
    sentences = []
    for flag, text in (("never_matched", "never won"), ("dominant", "won nearly always")):
        names = [quoted(name) for name in usage.loc[usage["flag"] == flag, "type"].dropna().astype(str).unique()]
        if names:
            sentences.append(f"{'The rule' if len(names) == 1 else 'The rules'} {listed(names)} {text}.")
    return sentences or ["Every rule won at least once, and none nearly always."]


def _overlap(overlap: pd.DataFrame) -> list[str]:
    if not len(overlap):
        return []
    first = overlap[overlap["rank"] == overlap["rank"].min()].iloc[0]
    return [
        f"The rules that get most in each other's way are {quoted(first['type_a'])} and {quoted(first['type_b'])}: "
        f"{said(first['evidence'], 'by their descriptions')}. Sharpen the description of {quoted(first['sharpen'])}."
    ]


def _tables(overlap: pd.DataFrame, lint: pd.DataFrame) -> tuple[Rows, ...]:
    shown = []
    if len(overlap):
        columns = {"type_a": ("rule", said), "type_b": ("and", said), "score": ("score", decimals)}
        columns |= {"n_flips": ("flips", number), "sharpen": ("sharpen", said), "evidence": ("evidence", said)}
        shown.append(rows("rule_overlap", "Pairs of rules that get in each other's way.", overlap, columns, most=8))
    if len(lint):
        columns = {"type": ("rule", said), "severity": ("severity", said), "finding": ("finding", said)}
        shown.append(
            rows("rule_lint", "The rules as written.", lint, columns | {"advice": ("what to do", said)}, most=10)
        )
    return tuple(shown)
