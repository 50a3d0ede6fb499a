"""The audit as files: the tables and metrics of a JobSet as CSV, its pictures as PNG and SVG, and one page that tells.

Everything is written aside and moved to its place when it is whole; the same jobs give the same bytes. No pyplot: a
report may be written in a thread, and under whatever style the notebook has set.
"""

from __future__ import annotations

from .verify import verify_report
from .writing import Report, write_report

__all__ = ["Report", "verify_report", "write_report"]
