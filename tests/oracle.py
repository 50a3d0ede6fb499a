"""A second reader of jobs, as plain as can be: one loop over ``json.loads``. It shares no code with the package."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from typing import Any

MENDED = re.compile("[\ud800-\udfff]")


def text(value: str | None) -> str | None:
    """Give a text as UTF-8 can hold it."""
    return None if value is None else MENDED.sub("\N{REPLACEMENT CHARACTER}", value)


def moment(value: str | None) -> dt.datetime | None:
    """Read a time, in UTC, cut to microseconds."""
    found = re.fullmatch(r"(.{10})[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?", value or "")
    if not found:
        return None
    day, hour, minute, second, fraction, zone = found.groups()
    try:
        time = dt.datetime.fromisoformat(f"{day}T{hour}:{minute}:00+00:00")
    except ValueError:
        return None
    time += dt.timedelta(seconds=int(second), microseconds=int((fraction or "0").ljust(6, "0")[:6]))
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        time -= offset if zone[0] == "+" else -offset
    return time


def outcome(status: str, result: dict[str, Any]) -> str:
    """Say what became of a job."""
    if status in ("FAILED", "CANCELLED"):
        return status.lower()
    if status != "COMPLETED":
        return "unfinished"
    if result.get("confidence") is None:
        return "unscored"
    return "no_match" if result.get("type") is None else "matched"


def row(job: dict[str, Any]) -> dict[str, Any]:
    """Flatten one job."""
    configuration, result = job["configuration"], job.get("result") or {}
    parsing, usage = configuration.get("parsing_configuration") or {}, job.get("usage") or {}
    rules = [[text(rule["type"]), text(rule["description"])] for rule in configuration["rules"]]
    types, descriptions = [rule[0] for rule in rules], [rule[1].encode() for rule in rules]
    content = json.dumps(types, ensure_ascii=False, separators=(",", ":")).encode()
    content += b"".join(len(one).to_bytes(4, "little") for one in descriptions) + b"".join(descriptions)
    created, updated = moment(job.get("created_at")), moment(job.get("updated_at"))
    pages = parsing.get("max_pages")
    return {
        "job_id": job["id"],
        "status": job["status"],
        "outcome": outcome(job["status"], result),
        "type": text(result.get("type")),
        "confidence": math.nan if result.get("confidence") is None else float(result["confidence"]),
        "reasoning": text(result.get("reasoning")),
        "error_message": text(job.get("error_message")),
        "rule_set": hashlib.sha256(content).hexdigest()[:16],
        "configuration_id": job.get("configuration_id"),
        "mode": configuration.get("mode"),
        "lang": parsing.get("lang"),
        "max_pages": None if pages is None else int(pages),
        "target_pages": parsing.get("target_pages"),
        "n_rules": len(rules),
        "document_input_type": job["document_input_type"],
        "file_input": job.get("file_input", job.get("document_input_value")),
        "parse_job_id": job.get("parse_job_id"),
        "project_id": job["project_id"],
        "user_id": job["user_id"],
        "transaction_id": job.get("transaction_id"),
        "created_at": created,
        "updated_at": updated,
        "duration_s": (updated - created).total_seconds() if created and updated else math.nan,
        "credits": math.nan if usage.get("credits") is None else float(usage["credits"]),
        "parse_credits": math.nan if usage.get("parse_credits") is None else float(usage["parse_credits"]),
    }


def rules_of(job: dict[str, Any]) -> list[tuple[int, str | None, str | None]]:
    """Give a job's rules with their places."""
    rules = job["configuration"]["rules"]
    return [(place, text(rule["type"]), text(rule["description"])) for place, rule in enumerate(rules)]
