"""How right the answers are, by what people read: how it was found out, how many labels, how sure."""

from __future__ import annotations

import pandas as pd

from ._words import Audit, Picture, Rows, Section, count, decimals, number, percent, rows, said


def labelled(audit: Audit) -> Section | None:
    """How right are the answers?"""
    if not audit.facts.has_labels:
        return None
    sentences = [*accuracy(audit), *threshold(audit), *_calibration(audit)]
    pictures = (
        Picture("precision_threshold", "Risk of the accepted answers by threshold; the certified one is marked."),
        Picture("calibration_curve", "Accuracy against stated confidence; on the dashed line both agree."),
        Picture("confusion_matrix", "Labels against answers: jobs, and their share of the label."),
        Picture("scores_by_type", "Precision and recall of each type, with exact intervals."),
        Picture("corrected_type_shares", "Share of each type as answered, and corrected by what the labels show."),
    )
    return Section("audit", "How right the answers are", sentences, pictures, _tables(audit))


def accuracy(audit: Audit) -> list[str]:
    """Tell what was labelled, and last, how right all answers are."""
    found, counted = audit.tables["accuracy_estimate"].iloc[0], audit.tables["accuracy"].iloc[0]
    if not found["n"]:
        return [
            "Labels were given, but none is of a job that came to an end with an answer: nothing is known of accuracy."
        ]
    how = "drawn by a plan" if audit.facts.has_plan else "taken as drawn at random"
    sure = f"{100 * audit.arguments.assurance:g} %"
    return [
        f"{count(int(found['n']), 'answer')} of {number(found['n_jobs'])} were labelled, {how}; "
        f"{number(counted['n_right'])} of the labelled ones are right.",
        f"Of all answers {percent(found['accuracy'])} are estimated to be right, and with an assurance of {sure} "
        f"between {percent(found['accuracy_lower'])} and {percent(found['accuracy_upper'])} ({found['reason']}).",
    ]


def threshold(audit: Audit) -> list[str]:
    """Tell from which confidence up nobody needs to check, if that can be told."""
    found = audit.tables["precision_threshold"].iloc[0]
    target, sure = f"{100 * audit.arguments.target:g} %", f"{100 * audit.arguments.assurance:g} %"
    if found["certified"]:
        return [
            f"Answers with a confidence of {found['threshold']:g} or more need no checking, if {target} right is "
            f"enough: so much is certain with an assurance of {sure}. It accepts {percent(found['coverage'])} of the "
            f"answers with a type, and rests on {count(int(found['n']), 'label')}, {number(found['n_wrong'])} of "
            "them of wrong answers."
        ]
    more = "" if pd.isna(found["n_more"]) else f" About {number(found['n_more'])} further labels could."
    reason = found["reason"].removeprefix("none can be certified: ")
    return [
        f"Answers of every confidence need checking, if {target} right is wanted with an assurance of {sure}: {reason}."
        f"{more}"
    ]


def _calibration(audit: Audit) -> list[str]:
    found = audit.tables["calibration_scores"].iloc[0]
    if not found["n"]:
        return []
    which = "above" if found["confidence"] > found["accuracy"] else "below"
    ranks = (
        ""
        if pd.isna(found["auroc"])
        else f" A right answer is more confident than a wrong one in {percent(found['auroc'])} of pairs, answers that "
        "no rule matches among them."
    )
    return [
        f"The mean confidence of the labelled answers is {decimals(found['confidence'])}, {which} their accuracy of "
        f"{decimals(found['accuracy'])}; the expected calibration error is {decimals(found['ece'])} over ten bins of "
        f"equal width.{ranks}"
    ]


def _tables(audit: Audit) -> tuple[Rows, ...]:
    scores = audit.tables["scores_by_type"]
    shown = [
        rows(
            "scores_by_type",
            "Scores of each type, by the labels.",
            scores[(scores["n_labelled"] > 0) | (scores["n_answered"] > 0)],
            {"type": ("type", said), "n_labelled": ("labels", number), "n_answered": ("answers", number)}
            | {"precision": ("precision", percent), "recall": ("recall", percent), "f1": ("F1", decimals)},
            most=40,
        )
    ]
    suspects = audit.tables["label_suspects"]
    if len(suspects):
        shown.append(
            rows(
                "label_suspects",
                "Labels that confident answers contradict: look at these again, since labels are wrong, too.",
                suspects,
                {"job_id": ("job", said), "label": ("label", said), "type": ("answer", said)}
                | {"confidence": ("confidence", decimals), "score": ("score", decimals)},
                most=10,
            )
        )
    return tuple(shown)
