"""Cells run in a kernel by hand."""

from __future__ import annotations

from typing import Any


def run(client: Any, code: str, at: Any = None) -> tuple[dict[str, Any], str]:
    """Run a cell; call ``at`` when it has printed something; give its reply and what it printed."""
    printed: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
            if at is not None and len(printed) == 1:
                at()

    reply = client.execute_interactive(code, output_hook=hear, timeout=120, store_history=False)
    return reply["content"], "".join(printed)
