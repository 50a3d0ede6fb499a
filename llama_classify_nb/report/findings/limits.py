"""The documents to look at first, and what a report like this can't say."""

from __future__ import annotations

from ..contents import NOT_COUNTED
from ._words import Audit, Rows, Section, count, decimals, rows, said

_MOST = 10


def worst(audit: Audit) -> Section | None:
    """Which documents should somebody look at first?"""
    facts = audit.facts
    if not facts.n_answered:
        return None
    shown = rows(
        "jobs",
        f"The least confident of {count(facts.n_answered, 'answer')}.",
        facts.worst,
        {"job_id": ("job", said), "file_input": ("document", said), "type": ("answer", _type)}
        | {"confidence": ("confidence", decimals), "reasoning": ("reasoning", said)},
        most=_MOST,
    )
    return Section("worst", "Documents to look at first", [], (), (*_contradictions(audit), shown))


def _contradictions(audit: Audit) -> tuple[Rows, ...]:
    table = audit.table("reasoning_contradictions")
    if not len(table):
        return ()
    columns = {"job_id": ("job", said), "type": ("answer", _type), "confidence": ("confidence", decimals)}
    columns |= {"kind": ("what is odd", said), "evidence": ("its words", said)}
    return (
        rows("reasoning_contradictions", "Reasonings that speak against their own answer.", table, columns, most=_MOST),
    )


def _type(value: object) -> str:
    return said(value, "(no rule matched)")


def limits(audit: Audit) -> Section:
    """What can't this report say?"""
    facts = audit.facts
    sentences = [
        "A stated confidence is what a model says of itself. Only labels tell whether it can be believed.",
        "Reasonings and error messages are written by models and machines that read the documents: they are quoted as "
        "text, and may say anything.",
        "Numbers are of these jobs. Other documents, or the same ones under other rules, may come out otherwise.",
        "One in twenty intervals of 95 % misses what it is of: among many numbers, some do.",
    ]
    if not facts.has_labels:
        sentences.insert(0, "No labels were given: nothing here says how many answers are right.")
    else:
        sentences.append(
            "Labels count as right. Where people err, or had seen the answer before they judged, accuracies are off."
        )
        sentences.append(
            f"Accuracies are of the {count(facts.n_answered, 'answer')} with a confidence: jobs that failed, were "
            "cancelled or had not finished are in none of them."
        )
        if not facts.has_plan and not facts.has_probabilities:
            sentences.append(
                "The labels are taken as drawn at random among the answers. If they were picked by somebody, the "
                "intervals don't hold."
            )
    if facts.is_scan:
        sentences.append(
            "The jobs are in many parts, which were counted one by one: what compares jobs with each other, or reads "
            f"their reasonings, isn't told ({', '.join(NOT_COUNTED)}), and there is no jobs.csv. A sample of the jobs "
            "can be asked for all of it."
        )
    if facts.problems:
        sentences.append("What could not be had (problems.csv) is not in any number.")
    return Section("limits", "What this report can't say", sentences)
