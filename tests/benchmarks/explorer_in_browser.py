"""The explorer among many jobs, in JupyterLab in a real browser: what a change takes, and whether memory grows.

Run it by hand: ``python -m tests.benchmarks.explorer_in_browser [--jobs 100000] [--changes 200]``. Half of the changes
are made one after another, each when the one before is on the screen; the other half in bursts, as fast as the browser
takes them, of which the last must win. Kernel time is that of the whole message that a change comes as, answers sent.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import browser

from .jobs import write_jobs

CELLS = (
    """import time
import matplotlib.pyplot as plt, ipywidgets as w
import llama_classify_nb as lcn
from ipywidgets.widgets.widget import _instances
jobset = lcn.read_jobs('jobs.jsonl')
found, ask, taken = w.HTML(), w.Button(description='Ask'), []
def tell(_):
    lines = open('/proc/self/status').read().splitlines()
    rss = next(int(line.split()[1]) for line in lines if line.startswith('VmRSS')) / 1024
    tell.n += 1
    says = f'{rss:.0f} {len(_instances)} {len(plt.get_fignums())} ' + ' '.join(f'{one:.1f}' for one in taken)
    taken.clear()
    found.value = f'<i class="probe" data-n="{tell.n}">{says}</i>'
tell.n = 0
ask.on_click(tell)
w.HBox([ask, found])""",
    """explorer = lcn.explore(jobset)
handlers = get_ipython().kernel.shell_handlers
handle = handlers['comm_msg']
def timed(*message):
    before, began = explorer._pictures.value, time.perf_counter()
    answer = handle(*message)
    if explorer._pictures.value != before:
        taken.append((time.perf_counter() - began) * 1_000)
    return answer
handlers['comm_msg'] = timed
explorer""",
)
BURST = 20
#: Marks what is on the screen, and tells when something else is: pictures that can be seen, and a table.
_MARK = "() => document.querySelectorAll('.lcn .pictures, .lcn .scroll').forEach(one => { one.dataset.old = '1'; })"
_DRAWN = """() => {
    const pictures = document.querySelector('.lcn .pictures'), table = document.querySelector('.lcn .scroll');
    return pictures && table && !pictures.dataset.old && !table.dataset.old
        && [...pictures.querySelectorAll('img')].every(one => one.complete && one.naturalWidth);
}"""


def main() -> None:
    """Change filters many times, and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--path", type=Path, help="a file of so many jobs, instead of one that is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "notebooks").mkdir()
        jobs = folder / "notebooks" / "jobs.jsonl"
        if options.path:
            jobs.symlink_to(options.path.resolve())
        else:
            write_jobs(jobs, options.jobs)
        browser.write_notebook(folder / "notebooks" / "many.ipynb", *CELLS)
        with browser.jupyter(folder) as address, browser.browser() as page:
            began = time.perf_counter()
            browser.run_all(page, f"{address}/{browser.LAB}/many.ipynb")
            browser.expect(page.locator(".lcn .count")).to_contain_text(f"{options.jobs:,} jobs")
            print(f"{options.jobs:,} jobs: on the screen {time.perf_counter() - began:.1f} s after the server")
            report(page, options.jobs, options.changes)


def report(page: Any, n_jobs: int, n_changes: int) -> None:
    """Make the changes, and print what they took."""
    asked = [probe(page)]
    seen_s = one_by_one(page, n_changes // 2)
    asked.append(probe(page))
    burst_s = []
    for _ in range(-(-n_changes // 2 // BURST)):
        burst_s.append(burst(page))
        asked.append(probe(page))
    page.get_by_role("button", name="Reset filters").click()
    browser.expect(page.locator(".lcn .count")).to_have_text(f"{n_jobs:,} of {n_jobs:,} jobs")
    taken_ms = list(itertools.chain.from_iterable(one[4:] for one in asked))
    print(f"kernel, ms for each of {len(taken_ms)} drawings: {_spread(taken_ms)}")
    print(
        f"browser, ms from the key to pictures and table, {len(seen_s)} changes: {_spread([s * 1e3 for s in seen_s])}"
    )
    print(f"the last change of a burst of {BURST} shows at most {max(burst_s):.2f} s after it was typed")
    for what, place in (("kernel's memory, MiB", 0), ("widgets", 1), ("figures of pyplot", 2), ("page's heap, MiB", 3)):
        print(f"{what}: " + ", ".join(f"{one[place]:.0f}" for one in asked))


def _spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.0f}, at most {max(values):.0f}"


def one_by_one(page: Any, n_changes: int) -> list[float]:
    """Choose types and outcomes in turn, each when the choice before shows; give the seconds that each took."""
    kinds = page.get_by_label("of type", exact=True).evaluate("one => [...one.list.options].map(it => it.value)")
    kinds = [one.rpartition(" (")[0] for one in kinds[1:9]]
    steps = [
        *(("of type", kind) for kind in kinds),
        ("of type", "any type"),
        ("Show", "failed"),
        ("Show", "all outcomes"),
    ]
    seconds = []
    for label, text in itertools.islice(itertools.cycle(steps), n_changes):
        field = page.get_by_label(label, exact=True)
        field.fill(text)
        page.evaluate(_MARK)
        began = time.perf_counter()
        field.press("Enter")
        page.wait_for_function(_DRAWN)
        seconds.append(time.perf_counter() - began)
    return seconds


def burst(page: Any) -> float:
    """Change the lowest confidence many times without a wait; give the seconds until the last change shows."""
    order, field = (page.get_by_label(name, exact=True) for name in ("Order", "confidence from"))
    order.fill("lowest")
    order.press("Enter")
    for number in range(BURST - 1):
        field.fill(f"{0.3 + 0.01 * number:.2f}")
        field.press("Enter")
    field.fill("0.95")
    began = time.perf_counter()
    field.press("Enter")
    # The least confidence that is left begins with the bound: of so many jobs, some are just above it.
    browser.expect(page.locator(".lcn tbody tr td.number").nth(1)).to_contain_text("0.95")
    return time.perf_counter() - began


def probe(page: Any) -> list[float]:
    """Ask the kernel what it holds, and the page; then come the milliseconds of the drawings since it was asked."""
    seen = page.locator(".probe")
    before = int(seen.get_attribute("data-n")) if seen.count() else 0
    page.get_by_role("button", name="Ask").click()
    page.wait_for_selector(f".probe[data-n='{before + 1}']")
    heap = page.evaluate("() => { window.gc && window.gc(); return performance.memory.usedJSHeapSize / 2 ** 20; }")
    held, taken = seen.text_content().split()[:3], seen.text_content().split()[3:]
    return [*map(float, held), heap, *map(float, taken)]


if __name__ == "__main__":
    main()
