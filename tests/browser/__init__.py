"""A private Jupyter server (JupyterLab and Notebook 7) or Voila on loopback, and headless Chromium to sit before it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
from playwright import sync_api as playwright_api
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
CEILING_MS = 60_000  # of every wait; each waits for a state, and none for a time
expect.set_options(timeout=CEILING_MS)
_FLAGS = (
    "--no-sandbox",  # a test user may be root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # containers have little of it, and tabs crash
    "--force-color-profile=srgb",
)
LAB, NOTEBOOK = "lab/tree", "notebooks"
SECOND_LAB = "lab/workspaces/second/tree"  # beside another: two pages would fight for one workspace
#: Where a screenshot goes that the README shows, if it is to be made anew.
IMAGES = os.environ.get("README_IMAGES")
_OURS = ".jp-OutputArea-output .jupyter-widgets"  # our part of the page: an output of the notebook
_NOTEBOOK = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const cells = [...panel.content.widgets].map(cell => [cell.model.type, cell.model.sharedModel.getSource()]);
    return JSON.stringify([panel.content.mode, panel.content.activeCellIndex, cells]);
}"""
_IDLE = """() => {
    if (!document.querySelector('.jp-NotebookPanel')) { return true; }  // Voila
    const current = window.jupyterapp.shell.currentWidget;
    const session = current && current.sessionContext && current.sessionContext.session;
    return !!session && !!session.kernel && current.context.isReady && session.kernel.status === 'idle';
}"""


_OPEN = """async path => {
    const {shell, commands} = window.jupyterapp;
    shell.collapseLeft();
    await commands.execute('docmanager:open', {path, factory: 'Notebook'});  // first, or a launcher comes
    for (const one of [...shell.widgets('main')]) {
        if (one.context && one.context.path === path) { continue; }
        if (one.sessionContext) { await one.sessionContext.shutdown(); }
        one.dispose();
    }
}"""


def write_notebook(path: Path, *sources: str) -> None:
    """Write a notebook of code cells. Without a kernel's name, Lab would ask for one."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(notebook, path)


@contextlib.contextmanager
def jupyter(folder: Path, theme: str = "JupyterLab Light") -> Iterator[str]:
    """Serve ``folder/notebooks`` and give the address; nothing of the user's own settings takes part.

    JupyterLab opens a notebook below ``LAB`` of that address, and Notebook 7 below ``NOTEBOOK``.
    """
    options = [
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        f"--ServerApp.root_dir={folder / 'notebooks'}",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--AsyncIOLoopKernelRestarter.time_to_dead=0.5",  # seconds between two looks at whether a kernel lives
    ]
    with _served(folder, "jupyterlab", options, "/api/status", theme) as address:
        yield address


@contextlib.contextmanager
def voila(folder: Path, notebook: str, theme: str = "light") -> Iterator[str]:
    """Serve one notebook of ``folder/notebooks`` as a page without code, and give its address."""
    options = [notebook, "--Voila.ip=127.0.0.1", "--show_tracebacks=True", f"--theme={theme}"]
    with _served(folder, "voila", options, "/voila/static/", "JupyterLab Light") as address:
        yield f"{address}/"


@contextlib.contextmanager
def _served(folder: Path, module: str, options: list[str], ready: str, theme: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / f"{module}.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", module, "--no-browser", f"--port={port}", *options],
            cwd=folder / "notebooks",
            env=_environment(folder, theme),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}{ready}", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            _end(server)


def _environment(folder: Path, theme: str) -> dict[str, str]:
    environment = dict(os.environ)
    for variable in (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "IPYTHONDIR",
    ):
        own = folder / variable.lower()
        own.mkdir(exist_ok=True)
        environment[variable] = str(own)
    plugins = folder / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
    plugins.mkdir(parents=True, exist_ok=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (plugins / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    (plugins / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    # One cache for all runs: with an empty one, each kernel looks through all fonts anew.
    environment.setdefault("MPLCONFIGDIR", str(Path(tempfile.gettempdir()) / "llama-classify-nb-mpl"))
    environment |= {"JUPYTER_PLATFORM_DIRS": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    # The kernel of this environment, not one that the user has elsewhere.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    package = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (package, environment.get("PYTHONPATH"))))
    return environment


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError(f"The server ended by itself:\n{log.read_text(errors='replace')[-3000:]}")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except urllib.error.HTTPError:
            return  # it answers
        except (urllib.error.URLError, OSError):
            # Waiting on the process returns at once when it dies, and else looks again.
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
    raise TimeoutError(f"The server did not answer:\n{log.read_text(errors='replace')[-3000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and its kernels: they are one process group."""
    for signal_, grace_s in ((signal.SIGTERM, 8), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal_)
        try:
            server.wait(grace_s)
        except subprocess.TimeoutExpired:
            continue
        return


@contextlib.contextmanager
def browser(width: int = 1280, height: int = 1500) -> Iterator[Page]:
    """Open a page in a browser without any history."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=_FLAGS)
        try:
            context = chromium.new_context(
                viewport={"width": width, "height": height}, locale="en-US", reduced_motion="reduce"
            )
            yield context.new_page()
        finally:
            chromium.close()


@contextlib.contextmanager
def in_voila(page: Page, folder: Path, notebook: str) -> Iterator[Page]:
    """Serve a notebook by Voila and open it beside a page that is open.

    Voila sometimes stops half-way through its first page, for good (voila-dashboards/voila#1395); a new server doesn't.
    """
    with another(page) as other, contextlib.ExitStack() as server:
        other.set_default_timeout(CEILING_MS)
        try:
            address = server.enter_context(voila(folder, notebook))
            other.goto(address, wait_until="domcontentloaded", timeout=CEILING_MS * 3 // 4)
        except playwright_api.TimeoutError:
            server.close()
            address = server.enter_context(voila(folder, notebook))
            other.goto(address, wait_until="domcontentloaded", timeout=2 * CEILING_MS)
        yield other


@contextlib.contextmanager
def another(page: Page) -> Iterator[Page]:
    """Open another page, of somebody else or with another program, beside one that is open."""
    other = page.context.new_page()
    assert page.viewport_size is not None
    other.set_viewport_size(page.viewport_size)
    yield other
    other.close()


def outside(page: Page) -> list[str]:
    """Give what of our outputs sticks out of the window, at its left or right."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('.jp-OutputArea :is(.lcn .card, .lcn img, input, button)')]
            .filter(one => one.getClientRects().length)
            .filter(one => { const box = one.getBoundingClientRect();
                             return box.left < 0 || box.right > window.innerWidth; })
            .map(one => one.outerHTML.slice(0, 80))"""
    )
    return found


@contextlib.contextmanager
def death_of_kernel(page: Page) -> Iterator[None]:
    """Wait until JupyterLab has seen that the kernel died, and started another.

    It says so in a dialog, now and then in two, one after the other; each is answered as soon as it shows.
    """
    page.evaluate(
        """() => {
            const answer = () => document.querySelectorAll('.jp-Dialog .jp-mod-accept').forEach(one => one.click());
            new MutationObserver(answer).observe(document.body, {childList: true});
            window.__another = new Promise(done => {
                let died = false;
                window.jupyterapp.shell.currentWidget.sessionContext.statusChanged.connect((_, status) => {
                    died = died || status === 'autorestarting';
                    if (died && (status === 'starting' || status === 'idle')) { done(); }
                });
            });
        }"""
    )
    yield
    page.evaluate("() => window.__another")


def until_idle(page: Page) -> None:
    """Wait for the kernel of the notebook that is open; Voila shows nothing of its own."""
    page.wait_for_function(_IDLE)


def open_lab(page: Page, server: str) -> None:
    """Open JupyterLab, to run notebooks in it with ``run_here``."""
    _load(page, f"{server}/lab")


def _load(page: Page, address: str) -> None:
    page.set_default_timeout(CEILING_MS)
    page.goto(f"{address}?reset", wait_until="domcontentloaded")
    page.wait_for_function("() => window.jupyterapp && window.jupyterapp.restored")
    page.evaluate("() => window.jupyterapp.restored")


def run_all(page: Page, address: str) -> None:
    """Open a notebook by its address and run all its cells; a cell that fails fails the test."""
    _load(page, address)
    _run_opened(page)


def run_here(page: Page, path: str, width: int = 1280, height: int = 1500) -> None:
    """Run all cells of a notebook in the JupyterLab that a page shows: to load it anew takes several seconds.

    If the notebook is open, its kernel goes on; any other ends with its kernel, and without a question.
    """
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(_OPEN, path)
    _run_opened(page)


@contextlib.contextmanager
def opened(page: Page, server: str, program: str, path: str) -> Iterator[Page]:
    """Run a notebook in the JupyterLab that a page shows, or in Notebook 7 beside it, and give the page of it."""
    if program == LAB:
        run_here(page, path)
        yield page
    else:
        with another(page) as other:
            run_all(other, f"{server}/{program}/{path}")
            yield other


def _run_opened(page: Page) -> None:
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    until_idle(page)  # a run before the kernel is there is dropped without a word
    run_cells(page)


def run_cells(page: Page) -> None:
    """Run all cells of the notebook that is open."""
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    errors = page.locator('.jp-RenderedText[data-mime-type="application/vnd.jupyter.error"]')
    if errors.count():
        raise AssertionError(f"a cell failed: {errors.first.inner_text()[:2000]}")


def notebook_of(page: Page) -> str:
    """Give what a shortcut would change of the notebook that is open: its cells, which is active, and the mode."""
    return str(page.evaluate(_NOTEBOOK))


def take(page: Page, path: Path) -> None:
    """Take a screenshot; one that the README shows also replaces that one, if it was asked for."""
    page.screenshot(path=path)
    if IMAGES and (Path(IMAGES) / path.name).is_file():
        shutil.copy(path, IMAGES)


def restart(page: Page) -> None:
    """Restart the kernel of the notebook that is open, and wait for it."""
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    until_idle(page)


def set_theme(page: Page, theme: str) -> None:
    """Give JupyterLab another theme, and wait until it shows."""
    page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", theme)
    page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")


def look(page: Page, shot: Path, *, height: int) -> None:
    """Look at what is on the screen in two themes and two widths: it fits, and axe finds nothing serious."""
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        set_theme(page, theme)
        for width in (700, 1400):
            page.set_viewport_size({"width": width, "height": height})
            page.locator(".lcn .count").scroll_into_view_if_needed()
            assert outside(page) == [], f"it does not fit {width} pixels"
            page.screenshot(path=f"{shot}-{theme.split()[-1].lower()}-{width}.png")
        assert serious_faults(page, _OURS) == []


def serious_faults(page: Page, within: str) -> list[str]:
    """Give what axe finds serious or critical, rule and place, within a part of the page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=within).response
    assert found["passes"], f"axe found nothing to look at in {within}"
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
