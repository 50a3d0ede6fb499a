"""The explorer among many jobs, in JupyterLab in a real browser: whether the last of many changes wins, and memory.

Run it by hand: ``python -m tests.benchmarks.explorer_in_browser [--jobs 100000] [--changes 200]``. Changes are typed as
fast as the browser takes them, in bursts, without a wait for the kernel between them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import browser

from .jobs import write_jobs

CELLS = (
    """import matplotlib.pyplot as plt, ipywidgets as w
import llama_classify_nb as lcn
from ipywidgets.widgets.widget import _instances
jobset = lcn.read_jobs('jobs.jsonl')
found, ask = w.HTML(), w.Button(description='Ask')
def tell(_):
    lines = open('/proc/self/status').read().splitlines()
    rss = next(int(line.split()[1]) for line in lines if line.startswith('VmRSS')) / 1024
    tell.n += 1
    found.value = f'<i class="probe" data-n="{tell.n}">{rss:.0f} {len(_instances)} {len(plt.get_fignums())}</i>'
tell.n = 0
ask.on_click(tell)
w.HBox([ask, found])""",
    "explorer = lcn.explore(jobset)\nexplorer",
)
BURST = 20


def main() -> None:
    """Change filters many times, and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "notebooks").mkdir()
        write_jobs(folder / "notebooks" / "jobs.jsonl", options.jobs)
        browser.write_notebook(folder / "notebooks" / "many.ipynb", *CELLS)
        with browser.jupyter(folder) as address, browser.browser() as page:
            began = time.perf_counter()
            browser.run_all(page, f"{address}/{browser.LAB}/many.ipynb")
            browser.expect(page.locator(".lcn .count")).to_contain_text(f"{options.jobs:,} jobs")
            print(
                f"{options.jobs:,} jobs: on the screen after {time.perf_counter() - began:.1f} s, server's start apart"
            )
            change(page, options.jobs, options.changes)


def change(page: Any, n_jobs: int, n_changes: int) -> None:
    """Type choices in bursts; after each, wait for the last choice alone."""
    kinds = page.get_by_label("of type", exact=True).evaluate("one => [...one.list.options].map(it => it.value)")
    kinds = [one.rpartition(" (")[0] for one in kinds[1:9]]
    count, seconds, asked = page.locator(".lcn .count"), [], [probe(page)]
    for first in range(0, n_changes, BURST):
        for number in range(first, first + BURST):
            field = page.get_by_label("of type", exact=True)
            field.fill(kinds[number % len(kinds)])
            field.press("Enter")
        began = time.perf_counter()
        page.wait_for_function(
            "kind => document.querySelector('.lcn-pick input[placeholder^=\"' + CSS.escape(kind) + ' (\"]')",
            arg=kinds[(first + BURST - 1) % len(kinds)],
        )
        asked.append(probe(page))
        seconds.append(time.perf_counter() - began)
    shown = page.locator(".lcn tbody tr td:nth-child(4)").all_text_contents()
    assert set(shown[:50]) == {kinds[(n_changes - 1) % len(kinds)]}, f"the table shows {set(shown[:50])}"
    page.get_by_role("button", name="Reset filters").click()
    browser.expect(count).to_have_text(f"{n_jobs:,} of {n_jobs:,} jobs")
    print(
        f"{n_changes} changes in bursts of {BURST}: the last one shows at most {max(seconds):.1f} s after it was typed"
    )
    for what, place in (("kernel's memory, MiB", 0), ("widgets", 1), ("figures of pyplot", 2), ("page's heap, MiB", 3)):
        print(f"{what}: " + ", ".join(str(one[place]) for one in asked))


def probe(page: Any) -> list[float]:
    """Ask the kernel what it holds, and the page."""
    seen = page.locator(".probe")
    before = int(seen.get_attribute("data-n")) if seen.count() else 0
    page.get_by_role("button", name="Ask").click()
    page.wait_for_selector(f".probe[data-n='{before + 1}']")
    heap = page.evaluate("() => { window.gc && window.gc(); return performance.memory.usedJSHeapSize / 2 ** 20; }")
    return [*map(int, seen.text_content().split()), round(heap)]


if __name__ == "__main__":
    main()
